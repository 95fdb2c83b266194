"""The words of the paper on slack water, as blocks: kind and content."""

from __future__ import annotations

TITLE = "Slack Water from Two Numbers"
SUBTITLE = "A pocket tide model for Haldry Narrows"
AUTHORS = "Ilse Varr and Tomas Quill"
PLACE = "Cold Ness Tide Observatory, Isle of Haldry"
ABSTRACT = """The stream through Haldry Narrows reaches 3.6 metres per second at springs, and
small boats pass only at slack water. We show that the time of slack can be computed on a card,
without a computer, from the two largest tidal constituents of the water level difference between
the ends of the channel. Against 1,408 slacks timed by eye and by current meter, the card has a
root mean square error of 12 minutes; adding 35 further constituents improves it to 6. We argue
that the other 6 minutes are a fair price for a model that fits in a pocket and survives rain."""

BLOCKS: tuple[tuple[str, str], ...] = (
    ("h", "1  Introduction"),
    (
        "p",
        """Between the Isle of Haldry and the mainland lies a channel 2.3 kilometres long and, at
        its waist, only 410 metres wide. The tide arrives at its northern mouth some fifty
        minutes before it reaches the southern one. For most of each half-day the two ends of the
        channel stand at different heights, and water pours from the higher to the lower.""",
    ),
    (
        "p",
        """Skippers have always known that slack water does not coincide with high water. The
        customary rule, painted on the wall of the ice house at Low Quay, is to go half an hour
        after the tide turns at the quay. It is right on average and wrong by up to three
        quarters of an hour on the worst days, which is long enough to meet the first of the ebb
        in the waist of the channel. We wanted a rule that is no harder to use and fails less
        often.""",
    ),
    ("h", "2  The model"),
    (
        "p",
        """The height of the tide at a fixed place is written, as usual, as a mean level and a
        sum of cosines whose speeds are known from astronomy:""",
    ),
    ("f", r"h(t) = z_0 + \sum_{i=1}^{n} A_i\,\cos(\omega_i t - \varphi_i)"),
    (
        "p",
        """where the amplitudes A and the phases φ belong to the place and must be measured. The
        difference Δh between the northern and the southern gauge is again such a sum, with the
        same speeds. If friction in the channel is small, the stream follows from the head of
        water:""",
    ),
    ("f", r"u(t) = \mu\,\mathrm{sgn}(\Delta h)\,\sqrt{2 g\,|\Delta h(t)|}"),
    (
        "p",
        """with a discharge factor μ of 0.71, fitted once to the current meter. What matters here
        is not the size of u but its sign. Whatever the value of μ, the stream stands still
        exactly when Δh passes through zero.""",
    ),
    (
        "p",
        """Now keep only two terms of Δh, the lunar M2 and the solar S2. Their sum is a single
        oscillation whose amplitude swells and shrinks,""",
    ),
    (
        "f",
        r"D(t) = \sqrt{D_M^2 + D_S^2 + 2 D_M D_S\,\cos(\Delta\omega\, t - \Delta\varphi)}",
    ),
    ("p", "with the beat period that every fisherman knows as the spring and neap cycle,"),
    ("f", r"T_b = \dfrac{2\pi}{\omega_S - \omega_M} \approx 14.77\ \mathrm{days}."),
    (
        "p",
        """The zero of Δh lags or leads the zero of the M2 term alone by an angle that depends
        only on the ratio of the two amplitudes and on the age of the moon. High water at the
        quay is shifted in the same sense, so that only a part of the angle, never more than 19
        minutes, remains to be corrected. This is the second number of our title. The first is
        the mean interval from high water at Low Quay to slack in the narrows, which we find to
        be 34 minutes.""",
    ),
    ("h", "3  Measurements"),
    (
        "p",
        """Two pressure gauges recorded the level every six minutes from March 2022 to February
        2024, one at Low Quay and one below the lighthouse. The series were cut into 29-day
        windows and fitted by least squares. Table 1 lists the four largest constituents at Low
        Quay. Gaps of less than one hour were bridged with a cubic curve; the eleven days in
        October when the southern gauge lay under a fishing net were left out.""",
    ),
    ("t", "Table 1. Principal constituents of the tide at Low Quay, 2022 to 2024."),
    (
        "p",
        """Slack itself was timed in two ways. A current meter moored at 6 metres depth gave
        1,296 times. A further 112 were noted by the pupils of the island school, who watched an
        orange float from the chapel ruin and pressed a stopwatch when it stopped. Where both
        exist, the children were on average 50 seconds early, which we attribute to
        enthusiasm.""",
    ),
    (
        "1",
        (
            "Figure 1. Water level at Low Quay during 15 days in April 2023: "
            "gauge (dots) and model (line)."
        ),
    ),
    ("h", "4  Results"),
    (
        "p",
        """Figure 1 shows that two constituents follow the gauge closely through a whole spring
        and neap cycle. The remaining misfit, at most 0.3 metres, is mostly weather: a fall of
        one hectopascal in air pressure raises the sea by about one centimetre, and a
        south-westerly gale piles a further hand's breadth against the quay.""",
    ),
    (
        "p",
        """For the time of slack we compared predictions made with 1, 2, 4, 8 and 37
        constituents. Let t be the observed and τ the predicted time of the k-th slack; the error
        is""",
    ),
    ("f", r"\sigma = \sqrt{\dfrac{1}{N} \sum_{k=1}^{N} \left(t_k - \tau_k\right)^2}"),
    (
        "p",
        """Figure 2 gives the result. The first step, from the moon alone to moon and sun,
        removes almost two thirds of the error. All later steps together remove half of what is
        left. Weather moves the time of slack far less than it moves the level, because wind and
        pressure lift both ends of so short a channel by nearly the same amount and the
        difference hardly notices.""",
    ),
    (
        "2",
        "Figure 2. Error of the predicted time of slack against the number of constituents used.",
    ),
    ("h", "5  The card"),
    (
        "p",
        """The model reduces to a printed card with two scales. On the first the skipper finds
        the age of the moon in days and reads a correction between minus 19 and plus 19 minutes.
        On the second the time of high water at Low Quay is set against 34 minutes plus that
        correction. A trial with nine skippers who had never seen it took, at the median, 40
        seconds for each reading. One of them used it upside down and was still within a quarter
        of an hour.""",
    ),
    (
        "c",
        (
            "Table 2. Correction in minutes by the age of the moon in days; "
            "a minus sign means earlier."
        ),
    ),
    (
        "p",
        """An example. On 8 June 2023 the moon was twenty days old, which counts as five, because
        the scale begins again after 14.77 days. Table 2 gives plus 18 minutes. High water at the
        quay was expected at 09:12. Slack should follow 34 and 18 minutes later, at 10:04. The
        current meter turned at 10:09 and the school's float, true to character, at 10:08.""",
    ),
    (
        "p",
        """The card should not be used within two days of a storm surge, nor in the side channel
        behind the Gannet Stacks, where the stream turns up to 25 minutes earlier and has reasons
        of its own.""",
    ),
    ("h", "6  What we left out"),
    (
        "p",
        """Friction. Equation 2 treats the channel as a smooth sluice. Its bed is in fact
        boulders with a beard of kelp. Friction does not move the zero of Δh, but it lets the
        water coast: the stream keeps running for a little while against the slope it has just
        lost. From the meter we find a delay of 4 minutes at springs and 2 at neaps. The mean of
        the two is already inside our first number, so that the error committed is about one
        minute either way.""",
    ),
    (
        "p",
        """The daily tides. K1 and its companions make the two high waters of a day unequal by as
        much as 20 centimetres. Slack hardly feels it, since at the moment of slack both gauges
        stand at almost the same level. We tested a third scale on the card for this effect. It
        gained one minute and cost every one of our skippers their patience.""",
    ),
    (
        "p",
        """The turbines. Since May 2024 two tidal turbines have stood in the waist of the
        channel. They take out about 2 per cent of the power of the stream. A week of comparison
        before and after the first was lowered shows no change in the time of slack larger than
        the scatter, but our measurements end before the second machine was lowered, and we shall
        look again.""",
    ),
    (
        "3",
        (
            "Figure 3. The correction printed on the card, as a curve. "
            "It crosses zero two days after new moon."
        ),
    ),
    ("b", ""),
    ("h", "7  Conclusion"),
    (
        "p",
        """Two numbers, the mean interval and the lunar correction, predict slack water in Haldry
        Narrows to within 12 minutes. We do not claim that the method suits every strait. It
        needs a channel that is short, deep and not much roughened by its bed, and it needs a
        coast where the moon's tide is about three times the sun's. Where these hold, a gauge at
        each end and one good month are enough to print a card.""",
    ),
    (
        "s",
        """Thanks. Brannoch & Daughters lent the moorings, Bryn Aldous the boat, and class four
        of the island school their eyes. The gauges ran on power from Haldry Tidal Power.""",
    ),
    ("h", "References"),
    ("s", "[1]  A. Varr. Forty years of the float gauge at Low Quay. Cold Ness Papers 3, 1997."),
    ("s", "[2]  I. Varr. Friction in short tidal channels. Cold Ness Papers 11, 2016."),
    ("s", "[3]  Harbour Office. Sailing directions for the sound, 9th edition. Port Haldry, 2019."),
)

CONSTITUENTS = (
    ("Name", "Origin", "Period h", "Ampl. m", "Phase °"),
    ("M2", "moon", "12.421", "1.42", "168"),
    ("S2", "sun", "12.000", "0.47", "203"),
    ("N2", "moon, ellipse", "12.658", "0.28", "151"),
    ("K1", "moon and sun", "23.934", "0.11", "74"),
)

CORRECTIONS = (
    ("Age", "min", "Age", "min", "Age", "min"),
    ("0", "-14", "5", "+18", "10", "-5"),
    ("1", "-8", "6", "+19", "11", "-12"),
    ("2", "0", "7", "+16", "12", "-17"),
    ("3", "+8", "8", "+11", "13", "-19"),
    ("4", "+14", "9", "+3", "14", "-18"),
)
