PRAGMA application_id = 1953789797;
PRAGMA user_version = 12;
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'ttweet','0001_initial','2026-11-30 21:33:10.036824+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'ttweet','0002_by_author','2026-11-30 21:33:10.048701+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'ttweet','0003_tag_index','2026-11-30 21:33:10.048958+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'ttweet','0004_deletions','2026-11-30 21:33:10.049325+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'ttweet','0005_pruning','2026-11-30 21:33:10.049787+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'ttweet','0006_key_digests','2026-11-30 21:33:10.050857+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'ttweet','0007_newest_by_id','2026-11-30 21:33:10.051058+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'ttweet','0008_tag_keying','2026-11-30 21:33:10.066557+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'ttweet','0009_log_details','2026-11-30 21:33:10.079709+00:00');
INSERT INTO "_sqlite_migrations" VALUES(10,'ttweet','0010_origins','2026-11-30 21:33:10.080012+00:00');
INSERT INTO "_sqlite_migrations" VALUES(11,'ttweet','0011_replica','2026-11-30 21:33:10.080192+00:00');
INSERT INTO "_sqlite_migrations" VALUES(12,'ttweet','0012_redactions','2026-11-30 21:33:10.080467+00:00');
CREATE TABLE deletions (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        tweet INTEGER NOT NULL UNIQUE
    ) STRICT
    ;
INSERT INTO "deletions" VALUES(7,1728172800000,5);
CREATE TABLE key_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL) STRICT;
INSERT INTO "key_secret" VALUES(1,X'422E21298AAE50EC89C8DE9CEF0C2E708396723E6AC19EF9204508AD0FB2D143');
CREATE TABLE keys (
        tweet INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        digest BLOB NOT NULL UNIQUE
    ) STRICT
    ;
INSERT INTO "keys" VALUES(1,1728000000000,X'4B5441A99274D5B1AE516988B6B798AE');
INSERT INTO "keys" VALUES(4,1728086400000,X'21C7ED4C2F8B848040B77B65C422B4D5');
INSERT INTO "keys" VALUES(5,1728086400000,X'9F378CF259E88BE02F8692A3E5AAD071');
CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (id),
        at INTEGER NOT NULL,
        side TEXT NOT NULL,
        category TEXT,
        text TEXT NOT NULL
    , code TEXT, identity TEXT, address TEXT) STRICT
    ;
INSERT INTO "log" VALUES(1,1,1728000000000,'SERVER','GENERAL','Message Received: Learning #Python',NULL,NULL,NULL);
INSERT INTO "log" VALUES(2,2,1728086400000,'CLIENT',NULL,'Received Message: #python #cs',NULL,NULL,NULL);
CREATE TABLE merged (
        origin INTEGER NOT NULL REFERENCES origins (id),
        original INTEGER NOT NULL,
        tweet INTEGER NOT NULL,
        PRIMARY KEY (origin, original)
    ) STRICT, WITHOUT ROWID
    ;
CREATE TABLE origins (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO "origins" VALUES(0,'cb9490fce9416d10');
CREATE TABLE redactions (
        tweet INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        searched INTEGER NOT NULL
    ) STRICT
    ;
CREATE TABLE replica (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        log TEXT NOT NULL,
        position INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        prune_before INTEGER NOT NULL
    ) STRICT
    ;
CREATE TABLE replica_origins (name TEXT PRIMARY KEY, number INTEGER NOT NULL, position INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        started INTEGER NOT NULL,
        stopped INTEGER,
        how TEXT NOT NULL,
        first_line INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO "sessions" VALUES(1,1728000000000,1728000000009,'stopped',1);
INSERT INTO "sessions" VALUES(2,1728086400000,NULL,'crashed',2);
CREATE TABLE spellings (
        tag INTEGER NOT NULL REFERENCES tags (id),
        spelling TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (tag, spelling)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "spellings" VALUES(1,'python',1);
CREATE TABLE tag_days (
        day INTEGER NOT NULL,
        tag INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (day, tag)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "tag_days" VALUES(20000,1,1);
INSERT INTO "tag_days" VALUES(20001,1,1);
INSERT INTO "tag_days" VALUES(20001,5,1);
INSERT INTO "tag_days" VALUES(20001,6,1);
INSERT INTO "tag_days" VALUES(20001,7,1);
INSERT INTO "tag_days" VALUES(20400,2,1);
INSERT INTO "tag_days" VALUES(20400,3,1);
INSERT INTO "tag_days" VALUES(20400,4,1);
INSERT INTO "tag_days" VALUES(20400,5,1);
CREATE TABLE tag_index (id INTEGER PRIMARY KEY CHECK (id = 1), up_to INTEGER NOT NULL, rule INTEGER NOT NULL DEFAULT 1, unicode TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "tag_index" VALUES(1,7,1,'');
CREATE TABLE tags (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        spelling TEXT NOT NULL,
        spelling_count INTEGER NOT NULL,
        count INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        lettered INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO "tags" VALUES(1,'python','Python',1,2,1728086400000,1);
INSERT INTO "tags" VALUES(2,'東京・','東京・',1,1,1762560000000,1);
INSERT INTO "tags" VALUES(3,'大阪','大阪',1,1,1762560000000,1);
INSERT INTO "tags" VALUES(4,'cs_','cs_',1,1,1762560000000,1);
INSERT INTO "tags" VALUES(5,'cs','cs',2,2,1728086400000,1);
INSERT INTO "tags" VALUES(6,'東京','東京',1,1,1728086400000,1);
INSERT INTO "tags" VALUES(7,'1','1',1,1,1728086400000,0);
CREATE TABLE tweet_tags (
        tag INTEGER NOT NULL REFERENCES tags (id),
        tweet INTEGER NOT NULL,
        PRIMARY KEY (tag, tweet)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "tweet_tags" VALUES(1,1);
INSERT INTO "tweet_tags" VALUES(1,6);
INSERT INTO "tweet_tags" VALUES(2,3);
INSERT INTO "tweet_tags" VALUES(3,3);
INSERT INTO "tweet_tags" VALUES(4,3);
INSERT INTO "tweet_tags" VALUES(5,3);
INSERT INTO "tweet_tags" VALUES(5,6);
INSERT INTO "tweet_tags" VALUES(6,4);
INSERT INTO "tweet_tags" VALUES(7,4);
CREATE TABLE tweets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        author TEXT,
        text TEXT NOT NULL,
        tags TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "tweets" VALUES(1,1728000000000,'ann','Learning #Python','Python');
INSERT INTO "tweets" VALUES(2,1728000000001,NULL,'','');
INSERT INTO "tweets" VALUES(3,1762560000000,'寿司','#東京・#大阪 and #cs_ #cs','東京・ 大阪 cs_ cs');
INSERT INTO "tweets" VALUES(4,1728086400000,NULL,'#東京 #1','東京 1');
INSERT INTO "tweets" VALUES(5,1728086400000,'','','');
INSERT INTO "tweets" VALUES(6,1728086400000,NULL,'#python #cs','python cs');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX tags_by_use ON tags (lettered, count DESC, newest DESC);
CREATE VIEW timeline AS
        SELECT id,
            strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS at,
            author AS "by",
            text,
            tags
        FROM tweets
        WHERE text <> '';
CREATE INDEX tweets_by_author ON tweets (author) WHERE author IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tweets',7);
COMMIT;
