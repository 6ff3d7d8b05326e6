"""Cut SQL text into statements, keeping line numbers and the comments in front of each."""

import re

_DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")


class Statement:
    """One statement: its bare text (literals and comments blanked), its line, its comments."""

    def __init__(self, text, line, comments):
        self.text = " ".join(text.split())
        self.line = line
        self.comments = comments


def split_statements(sql):
    """Return the statements of `sql`.

    Strings and dollar-quoted bodies become `''`, so that no rule looks into them; quoted
    identifiers lose their quotes.
    """
    statements, text, comments = [], [], []
    line, start, position = 1, None, 0

    def finish():
        nonlocal text, comments, start
        if start is not None:
            statements.append(Statement("".join(text), start, comments))
            comments = []
        text, start = [], None

    while position < len(sql):
        end, kept = _next_piece(sql, position)
        piece = sql[position:end]
        if piece.startswith(("--", "/*")):
            comments.append(piece)
            text.append(" ")
        elif piece == ";":
            finish()
        else:
            if start is None and not piece.isspace():
                start = line
            text.append(kept)
        line += piece.count("\n")
        position = end
    finish()
    return statements


def _next_piece(sql, position):
    """Return the end of the piece that starts at `position`, and the text to keep of it."""
    if sql.startswith("--", position):
        end = sql.find("\n", position)
        return (len(sql) if end < 0 else end), " "
    if sql.startswith("/*", position):
        return _end_of_block_comment(sql, position), " "
    character = sql[position]
    if character == "'":
        escapes = position > 0 and sql[position - 1] in "eE" and not _is_word(sql, position - 2)
        return _end_of_quoted(sql, position, "'", escapes), "''"
    if character == '"':
        end = _end_of_quoted(sql, position, '"', False)
        return end, sql[position + 1 : end - 1]
    if character == "$" and not _is_word(sql, position - 1):
        opening = _DOLLAR.match(sql, position)
        if opening:
            end = sql.find(opening.group(), opening.end())
            return (len(sql) if end < 0 else end + len(opening.group())), "''"
    return position + 1, character


def _is_word(sql, position):
    return position >= 0 and (sql[position].isalnum() or sql[position] == "_")


def _end_of_quoted(sql, position, quote, escapes):
    position += 1
    while position < len(sql):
        if escapes and sql[position] == "\\" or sql.startswith(quote * 2, position):
            position += 2
        elif sql[position] == quote:
            return position + 1
        else:
            position += 1
    return len(sql)


def _end_of_block_comment(sql, position):
    depth, position = 1, position + 2
    while depth and position < len(sql):
        if sql.startswith("/*", position):
            depth, position = depth + 1, position + 2
        elif sql.startswith("*/", position):
            depth, position = depth - 1, position + 2
        else:
            position += 1
    return position
