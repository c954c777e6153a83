"""What is chosen where nobody has chosen: each default of servers, clients and commands. Imports nothing."""

HOST = "127.0.0.1"
PORT = 13001  # the port of the first ttweet's examples
SERVER = f"{HOST}:{PORT}"

DB = "tweets.db"
REPORT_FILE = "Sample.txt"
LOG_LIMIT = 100_000_000  # bytes of report lines: a million of an ordinary length
MAX_CLIENTS = 1_000  # each costs a task and some KiB; below the limit of file descriptors
GRACE_S = 5.0  # for clients that are busy when the server stops; the writer's own limit is 5 s too
REQUESTS_PER_S = 20  # of each address: enough for scripts and a classroom behind one address, not for a flood
BURST = 200  # at once: what a script or thirty people do in a moment

TIMEOUT_S = 15.0  # to connect, and for each answer; the server gives its disk and other writers 5 s, and a client 10
RETRY_BUDGET_S = 60.0  # for one request that is told to slow down: what a person or a script's time-out still bears

RIGHTS_OF_TOKENS = "read,post"
