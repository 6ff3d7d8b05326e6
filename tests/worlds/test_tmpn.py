import os, sys, runpy
def test_seeds(capsys):
    with capsys.disabled():
        sys.argv = ["seeds", *os.environ["SEEDS"].split()]
        runpy.run_path("/tmp/names.py", run_name="__main__")
