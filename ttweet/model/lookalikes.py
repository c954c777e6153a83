"""Names that look alike: in another case, in the letters of another script, in wide or mathematical letters.

A reader takes `ann` with a Cyrillic first letter for `ann`. So a name is compared by its looks when it is taken, and
stored as it was typed. `rn` and `m` are two, and so are a letter and the same with an accent: too many honest names
differ by no more.
"""

from unicodedata import normalize

from ttweet.model.characters import without_ignorables

# The letters and digits that look like one or two of ASCII, by confusables.txt of Unicode 13, with the Latin small
# capitals. Source: UTS #39, section 4. Characters that form KC maps to ASCII are left out.
_LIKE = {
    "2": "ƧϨᒿ\ua644\ua75a",
    "3": "ƷȜЗӠ\u2ccc\ua76a\ua7ab\U000118ca\U00016f3b",
    "4": "Ꮞ\U000118af",
    "5": "Ƽ\U000118bb",
    "6": "бᏮ\u2cd2\U000118d5",
    "7": "\U000104d2\U000118c6",
    "8": "Ȣȣ৪੪\U0001031a",
    "9": "৭੧୨൭\u2cca\ua76e\U000118ac\U000118cc\U000118d6",
    "a": "ɑΑαАаᎪᗅᴀ\ua4ee\uab7a\U000102a0\U00016f40",
    "b": "ƄʙΒВЬвᏏᏴᏼᑲᖯᗷ\ua4d0\ua7b4\U00010282\U000102a1\U00010301",
    "c": "СсᏟᴄ\u2ca4\u2ca5\ua4da\uabaf\U000102a2\U00010302\U00010415\U0001043d\U0001051c\U000118e9",
    "d": "ԁᎠᏧᑯᗞᗪᴅ\ua4d2\ua4d3\uab70",
    "e": "ΕЕеҽᎬᴇ\u2d39\ua4f0\uab32\uab7c\U00010286\U000118a6\U000118ae",
    "f": "Ϝքᖴẝ\ua4dd\ua798\ua799\uab35\U00010287\U000102a5\U00010525\U000118a2\U000118c2",
    "g": "ƍɡɢԌԍցᏀᏳᏻᶃ\ua4d6\uab90",
    "h": "ʜΗНнһհᎻᏂᕼ\u2c8e\ua4e7\uab8b\U000102cf",
    "j": "ͿϳЈјᎫᒍᴊ\ua4d9\ua7b2\uab7b",
    "k": "ΚκКкᏦᛕᴋ\u2c94\u2c95\ua4d7\uabb6\U00010518",
    "l": (
        "1IiıƖǀɩɪʟΙιІіӀӏ\u05d5\u05df\u0627\u0661\u06f1\u07caᎥᏞᒪᛁ\u2c92\u2cd0\u2cd1\u2d4f\ua4e1\ua4f2"
        "\ua647\uab75\uabae\U0001028a\U00010309\U0001041b\U00010443\U00010526\U000118a3\U000118b2"
        "\U000118c3\U00016f16\U00016f28"
    ),
    "m": "ΜϺМмᎷᗰᛖᴍ\u2c98\ua4df\uab87\U000102b0\U00010311",
    "n": "ɴΝոռ\u2c9a\ua4e0\U00010513",
    "o": (
        "0ΟοσОоՕօ\u05e1\u0647\u0665\u06be\u06c1\u06d5\u06f5\u07c0०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᴏᴑ\u2c9e\u2c9f\u2d54"
        "\ua4f3\uab3d\U00010292\U000102ab\U00010404\U0001042c\U000104c2\U000104ea\U00010516\U000114d0"
        "\U000118b5\U000118c8\U000118d7\U000118e0"
    ),
    "p": "ΡρРрᏢᑭᴘᴩ\u2ca2\u2ca3\ua4d1\uabb2\U00010295",
    "q": "ԛգզ\u2d55\ua7af",
    "r": "ƦʀгᎡᏒᖇᴦ\u2c85\ua4e3\uab47\uab48\uab71\uab81\uaba2\U000104b4\U00016f35",
    "s": "ƽЅѕՏᏕᏚ\ua4e2\ua731\uabaa\U00010296\U00010420\U00010448\U000118c1\U00016f3a",
    "t": "ΤτТтᎢᴛ\u2ca6\ua4d4\uab72\U00010297\U000102b1\U00010315\U000118bc\U00016f0a",
    "u": "ʋυՍսሀᑌᴜ\ua4f4\ua79f\uab4e\uab52\U000104ce\U000104f6\U000118b8\U000118d8\U00016f42",
    "v": "νѴѵ\u05d8\u0667\u06f7Ꮩᐯᴠ\u2d38\ua4e6\ua6df\uaba9\U0001051d\U00011706\U000118a0\U000118c0\U00016f08",
    "w": "ɯѡԜԝաᎳᏔᴡ\ua4ea\uab83\U0001170a\U0001170e\U0001170f\U000118e6",
    "x": "ΧХхᕁᕽᚷ\u2cac\u2d5d\ua4eb\ua7b3\U00010290\U000102b4\U00010317\U00010527",
    "y": "ɣʏΥγУуҮүყᎩᎽᶌỿ\u2ca8\ua4ec\uab5a\U000102b2\U000118a4\U000118dc\U00016f43",
    "z": "ΖᏃᴢ\ua4dc\uab93\U000118a9\U000118c4\U000118e5",
    "aa": "\ua732\ua733",
    "ae": "ÆæӔӕ",
    "ao": "\ua734\ua735",
    "au": "\ua736\ua737",
    "av": "\ua738\ua739\ua73a\ua73b",
    "ay": "\ua73c\ua73d",
    "bl": "Ы",
    "dz": "ʣ",
    "ll": "\u05f0ǁ",
    "lo": "Ю",
    "ls": "ʪ",
    "lz": "ʫ",
    "oe": "Œœ",
    "oo": "\ua698\ua699\ua74e\ua74f",
    "t3": "\ua728",
    "tf": "\ua777",
    "ts": "ʦ",
    "ue": "ᵫ",
    "uo": "\uab63",
}
_PLAIN = str.maketrans({one: plain for plain, alike in _LIKE.items() for one in alike})


def looks_of(name: str) -> frozenset[str]:
    """Return what a name is compared by: two names look alike if they have one of these in common.

    It is two strings at most, as a capital may look like another letter than its small one does: Greek \u039d like N,
    \u03bd like v.
    """
    visible = without_ignorables(normalize("NFKC", name))
    return frozenset([_plain(visible), _plain(visible.casefold())])


def _plain(text: str) -> str:
    return normalize("NFKC", text.translate(_PLAIN).casefold()).translate(_PLAIN)
