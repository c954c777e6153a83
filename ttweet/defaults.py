"""The defaults of servers, clients and commands. Imports nothing."""

HOST = "127.0.0.1"
PORT = 13001  # the port of the first ttweet's examples
SERVER = f"{HOST}:{PORT}"

DB = "tweets.db"
REPORT_FILE = "Sample.txt"
LOG_LIMIT = 100_000_000  # bytes of report lines to keep: about a million of usual length; no tweet is removed for them
MAX_CLIENTS = 1_000  # connected clients; each costs a task and a few KiB; lowered when file descriptors do not suffice
GRACE_S = 5.0  # for clients with requests in progress when the server stops; as long as the writer's own limit
REQUESTS_PER_S = 20  # rate of each address and token: enough for scripts and a classroom behind one address
BURST = 200  # requests at once above the rate: what a script or thirty people do in a moment

TIMEOUT_S = 15.0  # to connect, and for each answer; longer than any limit that an answer can wait for in a server
RETRY_BUDGET_S = 60.0  # of waiting for a server that answers `slow_down`; then the request fails

SYSTEM_CA = "system"  # in place of a file of certificates: the authorities that the system trusts

RIGHTS_OF_TOKENS = "read,post"
