"""The paragraphs behind the stable codes: what happened, what was not changed, what helps."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    # ------------------------------------------------ errors: the command could not go on
    "E-USAGE": "The words of the command do not say something that can be done. Nothing was read or changed. "
    "`skillsync VERB --help` shows what the verb takes.",
    "E-CONFIG": "skillsync.toml, a key or an environment variable is wrong. All problems of the file are listed at "
    "once, each with its line. Nothing was sent. Correct them and run the command again.",
    "E-NO-REPOSITORY": "skillsync works in a git repository that has a skillsync.toml at its top. `skillsync init` "
    "writes the file; with `--git` it makes the repository, too.",
    "E-MISSING-EXTRA": "The command needs an optional part of the package. The server and the demo need "
    "`pip install 'skillsync[server]'`, the system keyring `pip install 'skillsync[keyring]'`.",
    "E-PLAN": "The file given with --plan is not a plan that `skillsync plan -o` wrote, or it was cut off or edited "
    "since. Nothing was read from the server and nothing was changed. Make a new one.",
    "E-STALE-PLAN": "A sealed plan is carried out exactly as it was printed or not at all. Since it was made, HEAD, "
    "the target, a remote version or the content here changed, or it was applied already; the message names what. "
    "Nothing was published. Make a new plan, look at it, and push that.",
    "E-NOT-REVIEWED": "`push --reviewed` publishes what a review let through, whole, and nothing else. Something that "
    "this push would do is in no review, was reviewed with other content, or its review did not pass; the message names "
    "it. Nothing was published. Open a pull request for it, or push without --reviewed if that is what you want.",
    "E-GIT": "A git command failed; its words are part of the message. skillsync changed nothing after that point.",
    "E-SHALLOW": "Whether your tree has taken in the remote's version is read from git's history, and this clone is "
    "cut off before the answer. Fetch the rest: `git fetch --unshallow --filter=blob:none`; in CI, check out with "
    "full depth.",
    "E-LOCKED": "Another skillsync command works in this clone. Wait for it to end; a lock left by a killed process "
    "is released by the system.",
    "E-WATCHED": "A daemon (`skillsync watch`) runs in this clone already, and there is one for each clone. Nothing was "
    "started. `skillsync watch --status` says what it does, `skillsync watch --stop` ends it. A daemon that was killed "
    "is no hindrance: the system lets go of its lock.",
    "E-REFUSED": "The plan as a whole looked like a mistake and nothing of it was done: more removals than the "
    "ceiling allows, a push from a branch that is not the publish branch, or a remote whose versions went "
    "backwards. The message names the numbers and the option that allows it all the same.",
    "E-INVALID": "One object cannot be read, or must not be sent or written as it is. The message names file, line "
    "and rule. The other objects went on. `skillsync lint` shows every such problem without asking a server.",
    "E-LOCAL-CHANGED": "A file changed between the plan and its write, so it was left alone: your edit is there. Run "
    "the command again, it plans with your edit.",
    "E-SYSTEM": "The operating system refused: the disk is full, a file may not be written, or too many files are "
    "open. What was already done stays done and is recorded; run the command again once there is room.",
    "E-DEMO": "A step of `skillsync demo` did not do what it announced, so the demo ended there. Its server was "
    "stopped; the folder it worked in is left for a look, and nothing outside of it was touched.",
    "E-REMOTE": "The server refused or failed in a way that has no code of its own.",
    "E-AUTH": "There is no key, or the server does not know it. A key is looked for in --api-key-file, "
    "SKILLSYNC_<TARGET>_API_KEY, SKILLSYNC_API_KEY, the system keyring, posthog-cli's variables and its "
    "credentials.json, in that order; `skillsync status -v` says which one won. Keys of one region are unknown in "
    "the other.",
    "E-FORBIDDEN": "The server knows the key, but the key may not do this: it lacks a scope (llm_skill, dataset), is "
    "limited to another project, or the user has no access. Make a key with the scopes that the message names.",
    "E-HOST-NOT-TRUSTED": "A key would have gone to a host that it does not belong to; nothing was sent. Stored keys "
    "go to their own host only; keys from the environment go to PostHog's regions, this machine, the host in "
    "SKILLSYNC_HOST and those accepted with `skillsync trust HOST`. So a branch that changes skillsync.toml cannot "
    "send your key elsewhere. Accept the host only if you know whose it is.",
    "E-NOT-FOUND": "The server has nothing there, or nothing that this key may see. That alone is no proof that "
    "something was deleted, and skillsync deletes nothing because of it.",
    "E-REMOTE-MOVED": "Somebody published between our look and our write, and the server refused the write; theirs "
    "is untouched. Run the command again: it looks at their version first.",
    "E-REMOTE-REFUSED": "The server understood the request and refused it; its reason is in the message. Nothing of "
    "this object was changed there.",
    "E-KEY-TAKEN": "Another row of the dataset has this id, with another content, or an archived row has it: ids are "
    "unique there, and archived rows keep theirs. `skillsync pull` shows both contents; `skillsync resolve` decides.",
    "E-QUOTA": "The server does not take more: datasets in a project, rows in a dataset, versions of a row, all with "
    "what is archived. Nothing can be deleted there, so what is used up stays used up. The message says what is over "
    "and by how much; a row that has had its versions needs another id.",
    "E-BAD-ANSWER": "The server's answer was cut off, of the wrong kind, too large, or contradicted itself. It was "
    "not used and changed nothing here. Is the host really the one with the API?",
    "E-THROTTLED": "The server asked us to slow down for longer than the command may wait. What was done is done; "
    "run it again later. `pace` in skillsync.toml limits requests from the start.",
    "E-UNREACHABLE": "The server did not answer, or failed. After a write that ended so, skillsync reads back before "
    "it repeats anything. Run the command again later.",
    "E-INTERNAL": "A mistake in skillsync. A report without keys was written; its path is in the message.",
    "E-INTERRUPTED": "You stopped the command. What it had done is recorded; `skillsync status` shows where things "
    "are, and the next command goes on from there.",
    "E-FAILED": "The command could not do what it was asked; its message says why.",
    # ------------------------------------------------ decisions about one object
    "E-REMOTE-AHEAD": "The remote has edits that your tree has not taken in, so nothing was published over them. "
    "`skillsync pull` merges them into your files; then push again.",
    "E-UNRELATED": "Both sides have something of this name, different, and never linked: which is right, only you "
    "know. `skillsync adopt NAME --merge`, `--local` or `--remote` links them.",
    "E-RECREATED": "What you had linked was archived on the remote, and something else was made under its name. It "
    "is another thing with the same name: `skillsync adopt NAME` links the new one.",
    "E-REMOTE-BACKWARDS": "The remote's version is older than the one your tree has taken in. Was it restored from "
    "a backup? Nothing was published or taken in.",
    "E-DELETED-BUT-EDITED": "You deleted it here while somebody edited it there. `skillsync resolve NAME --local` "
    "keeps the deletion, `--remote` brings it back with their edit.",
    "E-EDITED-BUT-ARCHIVED": "You edited it here while somebody archived it there. `skillsync resolve NAME --local` "
    "publishes it again (its .skillsync says so, commit it), `--remote` removes it here.",
    "E-ERASED": "The row is gone from the server for good, which nobody can do with the API. Nothing was removed "
    "here; `skillsync resolve NAME:KEY --local` lets the next push make it again, `--remote` removes it here.",
    "E-ABSENCE-UNCONFIRMED": "Something is missing from the server's list, but a second look did not confirm that "
    "it was archived. Absence alone is no evidence; nothing was removed. Run the command again later.",
    "E-VERSIONS-EXHAUSTED": "The server keeps no more versions of this skill, so it takes no further publish.",
    "W-MARKER": "A version's description ends in a publish marker that no publish of ours explains: it is damaged, or stands on "
    "other content than it names. The version counts as an edit from elsewhere, so nothing is published over it.",
    "W-VERSIONS-EXHAUSTED": "The skill comes near the number of versions that the server keeps.",
    "E-DUPLICATE-KEY": "Two lines of a dataset have the same id. An id names one case for ever: give one of them "
    "another, or remove a line.",
    "E-NO-KEY": "A line of a dataset has no id. `skillsync fmt` gives such lines the id of a known row of equal "
    "content, or a new one; commit the file after that.",
    "N-NO-KEY": "A dataset line has no `id` yet. A push from the working tree gives it one, or `skillsync fmt` now.",
    "N-HELD": "The daemon left this object alone for now: somebody changed its files within the last minute, has one open "
    "in an editor, is saving, or git is in the middle of something. It is looked at again by itself; `skillsync pull` "
    "and `skillsync push` do it at once.",
    "W-UNDOES-PULL": "A save brought back exactly the lines that a pull had just replaced, or removed those it had added: "
    "mostly an editor that still showed the old text. Nothing was published; your file is as you saved it, and the "
    "remote's version is as it was. Reload the file in the editor and save again, or, if the old text is what you "
    "want, publish it with `skillsync push NAME`.",
    "W-LOOP": "A file went back and forth between two contents, or the same content was published again and again: "
    "mostly two programs that each undo what the other wrote. The daemon leaves the object alone until it has been "
    "quiet for ten minutes.",
    "W-VERSION-BUDGET": "The server keeps 2,000 versions of a skill. The daemon warns at 1,600 and publishes no more of "
    "this skill at 1,900; `skillsync push` still does. Archive the skill and create it again to start anew.",
    "N-BEHIND": "The remote is newer and your files have no edits of their own: `skillsync pull` takes it in.",
    "N-PENDING-REMOVAL": "It is gone from your files and still published. `skillsync push --archive NAME` archives "
    "it there; without that option nothing is removed.",
    "N-ARCHIVED": "It was archived on the remote, and you have no edits to it. It never comes back by itself, also where its "
    "pointer line was lost: `skillsync pull --prune NAME` removes it here, `skillsync resolve NAME --local` notes in its "
    ".skillsync that it shall be made again, which the next push does.",
    "N-SUPERSEDED": "A later commit was published, or decided about this, already: this one is older and sends nothing.",
    "E-CONFLICT": "Both sides changed the same thing in different ways, so a person has to choose. `skillsync "
    "conflicts` shows base, local and remote; edit the file, then `skillsync resolve NAME`.",
    "E-MARKERS": "The file still holds conflict markers. Choose what shall stay, delete the marker lines, then "
    "`skillsync resolve NAME`.",
    "E-INDETERMINATE": "A write got no answer, and a look did not tell whether it was done. Run the command again: it "
    "looks for it first and does not send it twice.",
    "E-RENAMED": "The skill's name was changed here and this server offers no rename, or both sides gave it another name. "
    "Take the old name back (or the server's), or publish under the new one and archive the old: `skillsync push "
    "--archive OLD`.",
    "E-NAME-TAKEN": "The server keeps one dataset of a name, and another one has it, perhaps an archived one. Nothing was "
    "created. Give the dataset another name in DATASET.md, or link the one that is there: `skillsync adopt NAME --id UUID`.",
    # ------------------------------------------------ files of skillsync's own
    "E-POINTER": "The file .skillsync beside an object says which remote version your tree has taken in, and it "
    "cannot be read: it is cut off, merged by hand or from a newer skillsync. Nothing was published for this "
    "object. `git log -p` on it shows the last good one.",
    "E-POINTER-BACK": "A branch makes a .skillsync name an older version than the publish branch has taken in, another "
    "version of the same number, or none. Merged, it would let a text be published over edits that nobody looked at. "
    "Usually a pull was reverted with its pointer: revert the content, and keep the pointer. The fix that is named "
    "brings the line back; commit it.",
    "E-JOURNAL": "An earlier command was killed, and the note it left under .git/skillsync cannot be read. Nothing "
    "was repeated; `skillsync status` shows what is so, the copies of `skillsync rescue` are kept.",
    "E-UNREADABLE": "A file or folder could not be read: permission, a broken link, or a disk error. The object it "
    "belongs to was left out, the others went on.",
    # ------------------------------------------------ checks of a skill
    "E-SKILL-MISSING": "The folder has no SKILL.md that could be read, and without one it is no skill.",
    "E-SKILL-ENCODING": "SKILL.md must be UTF-8 text without NUL characters. Save it as UTF-8.",
    "E-SKILL-FENCE": "SKILL.md begins with a line ---, then YAML, then another line ---. One of them is missing.",
    "E-SKILL-YAML": "The frontmatter between the --- lines is not YAML, or uses a part of YAML that is refused "
    "(tags, huge or deeply nested aliases). The line is named.",
    "E-SKILL-DUPLICATE-KEY": "A key stands twice in the frontmatter, and readers disagree about which one counts. "
    "Remove one.",
    "E-SKILL-QUOTES": "A frontmatter value reads as YAML only with quotes, usually because of a colon in it. "
    "`skillsync fmt` adds them.",
    "E-SKILL-NAME": "A skill's name has 1 to 64 lower-case letters, digits and single hyphens, and is not a "
    "reserved word. Set name: in SKILL.md.",
    "E-SKILL-DESCRIPTION": "A skill needs a description of 1 to 1,024 characters: it is what an agent reads to "
    "decide whether to use the skill.",
    "E-SKILL-FIELD": "A frontmatter field must be one text, and compatibility at most 500, license at most 255 "
    "characters.",
    "E-SKILL-TOOLS": "allowed-tools must be one text or a list of texts.",
    "E-SKILL-METADATA": "metadata must be a mapping of keys to values.",
    "E-SKILL-BODY": "The text after the frontmatter must not be blank, and not larger than 1,000,000 bytes.",
    "E-SKILL-FILES": "A skill can carry at most 200 files.",
    "E-SKILL-PATH": "A bundled file's path must not be sent or written: it leads out of the folder, has parts that "
    "some systems cannot store, or belongs to git or skillsync.",
    "E-SKILL-CASE": "Two paths are the same file on systems that ignore case, or one looks like SKILL.md itself. "
    "Rename one.",
    "E-SKILL-CLASH": "Two paths cannot exist side by side: equal but for case or accents, or a file that is also a "
    "folder. Rename one.",
    "E-SKILL-ENV": "A .env file usually holds secrets, so the skill is not published while git would take it along. "
    "Add it to .gitignore, or call it .env.example.",
    "W-SKILL-BINARY": "The file is not UTF-8 text, which the API cannot hold. It stays here; the skill is published "
    "without it.",
    "W-SKILL-LARGE": "The file is larger than the API takes. It stays here; the skill is published without it.",
    "W-SKILL-LFS": "The file is a Git LFS pointer, not its content. It stays here; the skill is published without it.",
    "W-SKILL-LINK": "The file is a symbolic link, which the API cannot hold and which is never followed. It stays "
    "here; the skill is published without it.",
    "N-SKILL-MIRROR": "A symbolic link leads to a skill, usually a mirror for another client. Links are never "
    "followed; the skill is synced where it really lies.",
    "W-SKILL-SPECIAL": "It is no regular file. It stays here; the skill is published without it.",
}
"""Code to paragraph; a test keeps it complete."""
