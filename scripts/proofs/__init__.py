"""Proofs that ttweet keeps its promises: clients work, a fault strikes, the file is read. Run them as `scripts/prove`.

history     the requests of clients and their answers
simple_tags the rule of hashtags a second time, in the plainest form
checker     a history against the file, which SQLite alone reads (stored): tweets, and how they were shown
order       the order of all that was seen; tables the tags and keys beside the tweets; report_log the report lines;
            erased that nothing is left of deleted tweets
findings    what is wrong, by kind; figure is the line that is printed
stage       the folder of a server, and how it is started (as a server_process); shim/ as libraries to load into it
caller      a client, which asks and is answered; talk those that go from one server to the next
load        clients that work and write their history
followers   those to whom it is pushed
scene       all of them at work on a stage, over one server after the other; each fault is played on one
faults      servers that fail once, several beside each other
good        a client whose answers are timed while others do harm
disk        what a disk holds after a power cut, from the operations that shim/disk.c records
queries     random queries, and a look at each tweet beside find
fuzz        random bytes against fuzz_targets, from corpus/
expensive   requests that cost as much as their bytes can, for loopsteps
sieges      attacks on servers with settings of their own: places, tokens, the report log; costs has those on the rate,
            below those on TLS; ground is where they take place, tls_caller is a client there
instrument  how long the server's loop and its workers take, measured in the server's process
attacks     what hostile clients do; descriptors takes those of the server away
mutants     bugs on purpose, put into the server at its start; mutation looks for them
standing    clients that stand still; small_disk is a disk that is soon full
and one module for each fault; command_line is `scripts/prove`.

Nothing here is imported by the package; all connections are to this machine.
"""
