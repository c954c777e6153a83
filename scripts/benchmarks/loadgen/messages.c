/* The tweets that are sent, and the histogram of latencies. */
#include "loadgen.h"

#include <stdio.h>
#include <string.h>

/* ---- tags: 40 topics with 25 endings, used as often as Zipf's law says, as people do ---- */

static const char *const TOPICS[] = {
    "python", "linux", "rust", "web", "data", "cloud", "music", "film", "art", "book",
    "food", "travel", "city", "school", "class", "team", "build", "deploy", "backup", "alert",
    "disk", "network", "weather", "garden", "sport", "game", "health", "science", "space", "bike",
    "train", "coffee", "photo", "design", "maths", "history", "energy", "market", "radio", "river",
};
static const char *const ENDINGS[] = {
    "", "news", "tips", "help", "jobs", "today", "week", "club", "lab", "day", "talk", "chat", "live",
    "now", "fans", "facts", "files", "notes", "world", "life", "tech", "labs", "2025", "2026", "101",
};
enum { TOPIC_COUNT = sizeof TOPICS / sizeof *TOPICS, ENDING_COUNT = sizeof ENDINGS / sizeof *ENDINGS };
_Static_assert(TOPIC_COUNT * ENDING_COUNT == TAG_COUNT, "each pair is a tag");

static char tags[TAG_COUNT][24];
static uint64_t tag_limits[TAG_COUNT];  /* of a random number, cumulated */
static uint64_t random_state;
static uint32_t run_mark;               /* tells the texts of one run from those of another */

static uint64_t next_random(void)       /* xorshift64*, Marsaglia and Vigna */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1DULL;
}

void messages_start(uint64_t seed)
{
    double sum = 0, total = 0;
    random_state = seed | 1;
    run_mark = (uint32_t)(next_random() >> 32);
    for (int i = 0; i < TAG_COUNT; i++)
        total += 1.0 / (i + 1);
    for (int i = 0; i < TAG_COUNT; i++) {
        snprintf(tags[i], sizeof tags[i], "%s%s", TOPICS[i % TOPIC_COUNT], ENDINGS[i / TOPIC_COUNT]);
        sum += 1.0 / (i + 1);
        tag_limits[i] = (uint64_t)(sum / total * (double)(1ULL << 53));
    }
}

const char *random_tag(void)
{
    uint64_t wanted = next_random() >> 11;
    int low = 0, high = TAG_COUNT - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (tag_limits[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return tags[low];
}

void write_message(char *out, uint32_t serial, const char *tag)
{
    static const char words[] = " the nightly job has ended and nobody had to get up, so let us have a coffee and write it";
    static uint32_t sent;
    char head[32];
    size_t tag_bytes = strlen(tag);
    size_t head_bytes = (size_t)snprintf(head, sizeof head, "%08x-%x-%x", run_mark, serial, ++sent);
    size_t words_bytes = MESSAGE_BYTES - head_bytes - tag_bytes - 2;
    memcpy(out, head, head_bytes);
    memcpy(out + head_bytes, words, words_bytes);
    memcpy(out + head_bytes + words_bytes, " #", 2);
    memcpy(out + MESSAGE_BYTES - tag_bytes, tag, tag_bytes);
}

/* ---- latencies: 128 buckets for each power of two, as in HdrHistogram ---- */

enum { STEPS = 128, BUCKETS = STEPS * 40 };     /* up to 2^46 ns, 19 hours */

static uint64_t buckets[BUCKETS];
static uint64_t count;
static uint64_t largest;

static int bucket_of(uint64_t ns)
{
    if (ns < 2 * STEPS)
        return (int)ns;
    int shift = 63 - __builtin_clzll(ns) - 7;
    int bucket = shift * STEPS + (int)(ns >> shift);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t middle_of(int bucket)
{
    if (bucket < 2 * STEPS)
        return (uint64_t)bucket;
    int shift = bucket / STEPS - 1;
    uint64_t low = (uint64_t)(bucket - shift * STEPS) << shift;
    return low + ((1ULL << shift) >> 1);
}

void histogram_add(uint64_t ns)
{
    buckets[bucket_of(ns)]++;
    count++;
    if (ns > largest)
        largest = ns;
}

uint64_t histogram_count(void)
{
    return count;
}

uint64_t histogram_max(void)
{
    return largest;
}

uint64_t histogram_quantile(double quantile)
{
    uint64_t rank = (uint64_t)(quantile * (double)count), seen = 0;
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
        seen += buckets[bucket];
        if (seen > rank)
            return middle_of(bucket);
    }
    return largest;
}
