import runpy
def test_rep(capsys):
    with capsys.disabled(): runpy.run_path("/tmp/nrep.py", run_name="__main__")
