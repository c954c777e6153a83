/* What each peer speaks, as one table at the end of the file. Knows no sockets.
 *
 * Requests are written by hand and replies are only looked at as far as it takes to see where
 * they end and whether they mean success: the generator must cost less than what it measures.
 */
#define _GNU_SOURCE
#include "http.h"
#include "loadgen.h"
#include "writing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ttweet: one line of JSON each way; the echo server sends the same line back ---- */

static size_t ttweet_upload(struct speaker *speaker, char *out)
{
    size_t at = literal(out, "[\"u\",\"");
    write_message(out + at, speaker->serial, tag_of(speaker));
    at += MESSAGE_BYTES;
    return at + literal(out + at, "\"]\n");
}

static size_t ttweet_last(struct speaker *speaker, char *out)
{
    (void)speaker;
    return literal(out, "[\"d\",\"\"]\n");
}

static size_t ttweet_tag(struct speaker *speaker, char *out)
{
    return format(out, MAX_REQUEST_BYTES, "[\"t\",{\"tag\":\"%s\",\"limit\":20}]\n", tag_of(speaker));
}

static size_t ttweet_tags(struct speaker *speaker, char *out)
{
    (void)speaker;
    return literal(out, "[\"l\",\"\"]\n");
}

static size_t ttweet_ping(struct speaker *speaker, char *out)
{
    (void)speaker;
    return literal(out, "[\"p\",\"\"]\n");
}

static enum outcome ttweet_reply(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    *used = line_length(in, length);
    if (*used == 0)
        return INCOMPLETE;
    return starts(in, *used, "[\"ok\"") ? ANSWERED : REFUSED;
}

static enum outcome echo_reply(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    *used = line_length(in, length);
    return *used ? ANSWERED : INCOMPLETE;
}

/* ---- Redis: RESP 2 ---- */

static size_t redis_bulk(char *out, const char *text, size_t bytes)
{
    size_t at = format(out, 32, "$%zu\r\n", bytes);
    memcpy(out + at, text, bytes);
    at += bytes;
    return at + literal(out + at, "\r\n");
}

static size_t redis_add(char *out, const char *key, const char *message)
{
    size_t at = literal(out, "*5\r\n$4\r\nXADD\r\n");
    at += redis_bulk(out + at, key, strlen(key));
    at += literal(out + at, "$1\r\n*\r\n$4\r\ntext\r\n");
    return at + redis_bulk(out + at, message, MESSAGE_BYTES);
}

static size_t redis_xadd(struct speaker *speaker, char *out)
{
    char message[MESSAGE_BYTES];
    write_message(message, speaker->serial, tag_of(speaker));
    return redis_add(out, "tweets", message);
}

/* The log and the log of the tag, both or none. */
static size_t redis_multi(struct speaker *speaker, char *out)
{
    char message[MESSAGE_BYTES], key[64];
    const char *tag = tag_of(speaker);
    write_message(message, speaker->serial, tag);
    format(key, sizeof key, "tag:%s", tag);
    size_t at = literal(out, "*1\r\n$5\r\nMULTI\r\n");
    at += redis_add(out + at, "tweets", message);
    at += redis_add(out + at, key, message);
    return at + literal(out + at, "*1\r\n$4\r\nEXEC\r\n");
}

static size_t redis_newest(char *out, const char *key, const char *limit)
{
    size_t at = literal(out, "*6\r\n$9\r\nXREVRANGE\r\n");
    at += redis_bulk(out + at, key, strlen(key));
    at += literal(out + at, "$1\r\n+\r\n$1\r\n-\r\n$5\r\nCOUNT\r\n");
    return at + redis_bulk(out + at, limit, strlen(limit));
}

static size_t redis_last(struct speaker *speaker, char *out)
{
    (void)speaker;
    return redis_newest(out, "tweets", "1");
}

static size_t redis_tag(struct speaker *speaker, char *out)
{
    char key[64];
    format(key, sizeof key, "tag:%s", tag_of(speaker));
    return redis_newest(out, key, "20");
}

/* Length of one value, arrays with all that they hold; 0 when it is not all there. */
static size_t redis_value_length(const char *in, size_t length, bool *failed)
{
    size_t at = line_length(in, length);
    if (at == 0)
        return 0;
    long size = strtol(in + 1, NULL, 10);
    if (in[0] == '-')
        *failed = true;
    if (in[0] == '$' && size >= 0) {
        size_t end = at + (size_t)size + 2;
        return end <= length ? end : 0;
    }
    for (long i = 0; in[0] == '*' && i < size; i++) {
        size_t item = redis_value_length(in + at, length - at, failed);
        if (item == 0)
            return 0;
        at += item;
    }
    return at;
}

static enum outcome redis_values(const char *in, size_t length, size_t *used, int values)
{
    bool failed = false;
    *used = 0;
    for (int i = 0; i < values; i++) {
        size_t value = redis_value_length(in + *used, length - *used, &failed);
        if (value == 0)
            return INCOMPLETE;
        *used += value;
    }
    return failed ? REFUSED : ANSWERED;
}

static enum outcome redis_reply(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    return redis_values(in, length, used, 1);
}

static enum outcome redis_multi_reply(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    return redis_values(in, length, used, 4);   /* OK, QUEUED, QUEUED, the two ids */
}

/* ---- NATS: publish with an inbox; the stream's answer to it is the durable acknowledgement ---- */

static size_t nats_greeting(struct speaker *speaker, char *out)
{
    return format(out, MAX_GREETING_BYTES,
                  "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\"}\r\nSUB _INBOX.%u 1\r\nPING\r\n",
                  speaker->number);
}

static enum outcome nats_welcome(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    *used = line_length(in, length);
    if (*used == 0)
        return INCOMPLETE;
    if (starts(in, *used, "-ERR"))
        return REFUSED;
    return starts(in, *used, "PONG") ? ANSWERED : IGNORED;
}

static size_t nats_publish(struct speaker *speaker, char *out)
{
    const char *tag = tag_of(speaker);
    size_t at = format(out, 128, "PUB tweets.%s _INBOX.%u %d\r\n", tag, speaker->number, MESSAGE_BYTES);
    write_message(out + at, speaker->serial, tag);
    at += MESSAGE_BYTES;
    return at + literal(out + at, "\r\n");
}

static enum outcome nats_reply(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    *used = line_length(in, length);
    if (*used == 0)
        return INCOMPLETE;
    if (starts(in, *used, "PING")) {
        speaker->urgent_bytes = literal(speaker->urgent, "PONG\r\n");
        return IGNORED;
    }
    if (!starts(in, *used, "MSG"))
        return starts(in, *used, "-ERR") ? REFUSED : IGNORED;
    const char *size_field = memrchr(in, ' ', *used);
    const char *payload = in + *used;
    size_t size = strtoul(size_field, NULL, 10);
    *used += size + 2;
    if (*used > length)
        return INCOMPLETE;
    return memmem(payload, size, "\"seq\"", 5) ? ANSWERED : REFUSED;
}

/* ---- MQTT 3.1.1, QoS 1 ---- */

static size_t mqtt_connect(struct speaker *speaker, char *out)
{
    static const char head[] = "\x10\x00\x00\x04MQTT\x04\x02\x00\x00\x00";     /* clean session, no keep-alive */
    char *at = out + sizeof head - 1;
    memcpy(out, head, sizeof head - 1);
    size_t id_bytes = format(at + 1, 32, "load%u", speaker->number);
    at[0] = (char)id_bytes;
    out[1] = (char)(sizeof head - 1 - 2 + 1 + id_bytes);
    return sizeof head - 1 + 1 + id_bytes;
}

static enum outcome mqtt_packet(const char *in, size_t length, size_t *used, unsigned char type)
{
    *used = 4;      /* CONNACK and PUBACK are four bytes */
    if (length < 4)
        return INCOMPLETE;
    bool fine = (unsigned char)in[0] == type && (type == 0x40 || in[3] == 0);
    return fine ? ANSWERED : REFUSED;
}

static enum outcome mqtt_connack(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    return mqtt_packet(in, length, used, 0x20);
}

static size_t mqtt_publish(struct speaker *speaker, char *out)
{
    char topic[64];
    const char *tag = tag_of(speaker);
    size_t topic_bytes = format(topic, sizeof topic, "tweets/%s", tag);
    size_t rest = 2 + topic_bytes + 2 + MESSAGE_BYTES;     /* under 2^14: two bytes of length at most */
    uint16_t packet = (uint16_t)(speaker->serial % 65535 + 1);
    char *at = out;
    *at++ = 0x32;
    if (rest > 127) {
        *at++ = (char)(rest % 128 | 0x80);
        rest /= 128;
    }
    *at++ = (char)rest;
    *at++ = 0;
    *at++ = (char)topic_bytes;
    memcpy(at, topic, topic_bytes);
    at += topic_bytes;
    *at++ = (char)(packet >> 8);
    *at++ = (char)packet;
    write_message(at, speaker->serial, tag);
    return (size_t)(at - out) + MESSAGE_BYTES;
}

static enum outcome mqtt_puback(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    return mqtt_packet(in, length, used, 0x40);
}

const struct protocol PROTOCOLS[] = {
    {"ttweet-upload", "upload one tweet", NULL, NULL, ttweet_upload, ttweet_reply},
    {"ttweet-last", "the last message", NULL, NULL, ttweet_last, ttweet_reply},
    {"ttweet-tag", "newest 20 of a tag", NULL, NULL, ttweet_tag, ttweet_reply},
    {"ttweet-tags", "the list of tags", NULL, NULL, ttweet_tags, ttweet_reply},
    {"ttweet-idle", "a ping when the connection opens", ttweet_ping, ttweet_reply, ttweet_ping, ttweet_reply},
    {"echo", "the line of an upload, sent back", NULL, NULL, ttweet_upload, echo_reply},
    {"redis-xadd", "XADD", NULL, NULL, redis_xadd, redis_reply},
    {"redis-multi", "MULTI, XADD to the log, XADD to the tag, EXEC", NULL, NULL, redis_multi, redis_multi_reply},
    {"redis-last", "XREVRANGE of the log, 1", NULL, NULL, redis_last, redis_reply},
    {"redis-tag", "XREVRANGE of a tag, 20", NULL, NULL, redis_tag, redis_reply},
    {"nats", "JetStream publish, acknowledged", nats_greeting, nats_welcome, nats_publish, nats_reply},
    {"mqtt", "publish with QoS 1", mqtt_connect, mqtt_connack, mqtt_publish, mqtt_puback},
    {"http", "POST /tweets", NULL, NULL, http_post, http_reply},
    {"http-json", "GET /tweets.json", NULL, NULL, http_json, http_reply},
    {"http-page", "GET / as a browser", NULL, NULL, http_page, http_reply},
    {"http-304", "GET /tweets.json of a client that has it", http_json, http_learn, http_known, http_not_modified},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

const struct protocol *find_protocol(const char *name)
{
    for (const struct protocol *protocol = PROTOCOLS; protocol->name; protocol++)
        if (strcmp(protocol->name, name) == 0)
            return protocol;
    fail("no protocol is called %s; see --help", name);
}
