"""The queries of the table of report lines, in SQL."""

# Each reads a bounded number of lines: one that read the whole log would keep all other queries waiting.
TRACES = """
    SELECT count(*), max(id), json_group_array(id) FILTER (WHERE at = coalesce(?, at) AND text IN (?, ?, ?, ?, ?))
    FROM (SELECT id, at, text FROM log WHERE id > ? ORDER BY id LIMIT ?)
"""
# The lines of one session lie between its first line and the next session's: no index of the log is needed.
LINES = """
    SELECT id, session, at, side, category, text, code, identity, address
    FROM log
    WHERE id > max(:cursor, coalesce((SELECT first_line - 1 FROM sessions WHERE id = :session), 0))
    AND id < coalesce((SELECT first_line FROM sessions WHERE id > :session ORDER BY id LIMIT 1), 9223372036854775807)
    AND (:session IS NULL OR session = :session)
    AND (:categories = '[]' OR category IN (SELECT value FROM json_each(:categories)))
    ORDER BY id LIMIT :limit
"""
LINES_OF_OLD = LINES.replace(", code, identity, address", "")
# The same form as reports.line and reports.suffix give; a test holds them together.
TEXT = """
    SELECT group_concat(
            iif(category IS NULL, text, side || ' ALERT [' || category || '] ' || text)
            || iif(code IS NULL OR NOT :details, '', ' code=' || code
                || coalesce(' address=' || address, '') || coalesce(' identity=' || identity, ''))
            || char(10), ''),
        max(id)
    FROM (lines)
""".replace("lines", LINES)
