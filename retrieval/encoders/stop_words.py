"""English words that carry no evidence: their best match lies anywhere on a page.

They count in a page's score as every token does (leaving them out hurt paraphrased questions); they
only light nothing up.
"""

STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be been before being between but by can could did
    do does for from had has have how i if in into is it its list many me much my of on one or our
    out over shall she he should so some such tell than that the their them then there these they
    this those to under up us was we were what when where which while who whom whose why will with
    would you your show give please
    """.split()
)
