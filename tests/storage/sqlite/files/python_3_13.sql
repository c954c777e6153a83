PRAGMA application_id = 1953789797;
PRAGMA user_version = 9;
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'ttweet','0001_initial','2026-11-30 04:02:17.770105+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'ttweet','0002_by_author','2026-11-30 04:02:17.770345+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'ttweet','0003_tag_index','2026-11-30 04:02:17.770531+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'ttweet','0004_deletions','2026-11-30 04:02:17.770809+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'ttweet','0005_pruning','2026-11-30 04:02:17.771027+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'ttweet','0006_key_digests','2026-11-30 04:02:17.780430+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'ttweet','0007_newest_by_id','2026-11-30 04:02:17.780698+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'ttweet','0008_tag_keying','2026-11-30 04:02:17.781047+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'ttweet','0009_log_details','2026-11-30 04:02:17.781794+00:00');
CREATE TABLE deletions (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        tweet INTEGER NOT NULL UNIQUE
    ) STRICT
    ;
CREATE TABLE key_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL) STRICT;
INSERT INTO "key_secret" VALUES(1,X'2BABD69AA8D19A7B9A16CE02F5650230E06F3899AF73C20404F9330BC941F1A2');
CREATE TABLE keys (
        tweet INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        digest BLOB NOT NULL UNIQUE
    ) STRICT
    ;
INSERT INTO "keys" VALUES(7,1796011337864,X'B0432659340BBC74452B4355CC689504');
CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (id),
        at INTEGER NOT NULL,
        side TEXT NOT NULL,
        category TEXT,
        text TEXT NOT NULL
    , code TEXT, identity TEXT, address TEXT) STRICT
    ;
CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        started INTEGER NOT NULL,
        stopped INTEGER,
        how TEXT NOT NULL,
        first_line INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO "sessions" VALUES(1,1796011337421,1796011337864,'stopped',1);
CREATE TABLE spellings (
        tag INTEGER NOT NULL REFERENCES tags (id),
        spelling TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (tag, spelling)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "spellings" VALUES(3,'а',1);
CREATE TABLE tag_days (
        day INTEGER NOT NULL,
        tag INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (day, tag)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "tag_days" VALUES(20787,1,1);
INSERT INTO "tag_days" VALUES(20787,2,1);
INSERT INTO "tag_days" VALUES(20787,3,2);
INSERT INTO "tag_days" VALUES(20787,4,1);
INSERT INTO "tag_days" VALUES(20787,5,1);
CREATE TABLE tag_index (id INTEGER PRIMARY KEY CHECK (id = 1), up_to INTEGER NOT NULL, rule INTEGER NOT NULL DEFAULT 1, unicode TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "tag_index" VALUES(1,7,2,'15.1.0');
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
INSERT INTO "tags" VALUES(1,'𱍐','𱍐',1,1,1796011337859,1);
INSERT INTO "tags" VALUES(2,'𑽐𑽑','𑽐𑽑',1,1,1796011337860,0);
INSERT INTO "tags" VALUES(3,'а','𞀰',1,2,1796011337861,1);
INSERT INTO "tags" VALUES(4,'ạ𞂏','ạ𞂏',1,1,1796011337861,1);
INSERT INTO "tags" VALUES(5,'plain','plain',1,1,1796011337863,1);
CREATE TABLE tweet_tags (
        tag INTEGER NOT NULL REFERENCES tags (id),
        tweet INTEGER NOT NULL,
        PRIMARY KEY (tag, tweet)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "tweet_tags" VALUES(1,1);
INSERT INTO "tweet_tags" VALUES(2,2);
INSERT INTO "tweet_tags" VALUES(3,3);
INSERT INTO "tweet_tags" VALUES(3,4);
INSERT INTO "tweet_tags" VALUES(4,4);
INSERT INTO "tweet_tags" VALUES(5,6);
CREATE TABLE tweets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        author TEXT,
        text TEXT NOT NULL,
        tags TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "tweets" VALUES(1,1796011337859,'𱍐','#𱍐 letter','𱍐');
INSERT INTO "tweets" VALUES(2,1796011337860,'𱍐','#𑽐𑽑 digits','𑽐𑽑');
INSERT INTO "tweets" VALUES(3,1796011337861,'𱍐','#𞀰 folds','𞀰');
INSERT INTO "tweets" VALUES(4,1796011337861,'𱍐','#а and #ạ𞂏','а ạ𞂏');
INSERT INTO "tweets" VALUES(5,1796011337862,'𱍐','x̣𞂏 order','');
INSERT INTO "tweets" VALUES(6,1796011337863,'𱍐','#plain','plain');
INSERT INTO "tweets" VALUES(7,1796011337864,'𱍐','kept','');
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
