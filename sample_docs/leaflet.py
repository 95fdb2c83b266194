"""The French leaflet of the lighthouse museum: two landscape pages of three panels."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

from pages import AMBER, CORAL, DEEP, FOAM, GREY, INK, SAND, TEAL, WHITE, Colour, Sheet

PANELS = (0.0, 99.0, 198.0)
PANEL = 99.0


def _swell(sheet: Sheet, left: int, right: int, top: float, shades: Sequence[Colour]) -> None:
    """Fills the foot of some panels with low waves."""
    for row, shade in enumerate(shades):
        base = top + row * 9
        crest = [(x, base + 2.6 * math.sin(x / 9 + row * 2.1)) for x in range(left, right + 1)]
        sheet.shape([(left, 210), *crest, (right, 210)], shade)


def _lighthouse(sheet: Sheet, x: float, base: float) -> None:
    """Draws the tower of Cold Ness with its beam."""
    top = base - 82
    for wide, shade in ((22.0, 18), (15.0, 40), (8.0, 64)):
        far = 297.0 - x
        tint = (DEEP[0] + shade, DEEP[1] + shade, DEEP[2] + shade)
        sheet.shape([(x, top - 5), (297, top - 9 - wide), (297, top - 9 + wide)], tint)
        sheet.shape([(x, top - 5), (x - far * 0.8, top + 6), (x - far * 0.8, top + 6 - wide)], tint)
    rock = ((-44, 30), (-36, 12), (-27, 8), (-20, -2), (22, 0), (30, 9), (41, 12), (50, 30))
    sheet.shape([(x + dx, base + dy) for dx, dy in rock], INK)
    _swell(sheet, 198, 297, 184, ((40, 96, 112), (28, 78, 96)))
    bands = 5
    for i in range(bands):
        y0, y1 = top + 82 * i / bands, top + 82 * (i + 1) / bands
        w0, w1 = 6.5 + 4.5 * i / bands, 6.5 + 4.5 * (i + 1) / bands
        colour = CORAL if i % 2 == 0 else WHITE
        sheet.shape([(x - w0, y0), (x + w0, y0), (x + w1, y1), (x - w1, y1)], colour)
    sheet.block(x - 9, top - 1.5, 18, 2.4, fill=INK)
    sheet.block(x - 5, top - 9, 10, 7.6, fill=(250, 222, 140))
    sheet.shape([(x - 6.5, top - 9), (x + 6.5, top - 9), (x, top - 17)], INK)
    sheet.block(x - 2.4, base - 9, 4.8, 9, fill=DEEP)


def _heading(sheet: Sheet, panel: int, title: str) -> float:
    x = PANELS[panel] + 12
    sheet.at(x, 18, title, 15, "B", DEEP)
    sheet.hair(x, 27, x + 22, AMBER, 1.0)
    return 34.0


def _outside(sheet: Sheet) -> None:
    sheet.add_page()
    sheet.block(PANELS[1], 0, PANEL, 210, fill=FOAM)
    sheet.block(PANELS[2], 0, PANEL, 210, fill=DEEP)
    sheet.at(PANELS[2], 24, "Musée du Phare", 24, "B", WHITE, PANEL, "C")
    sheet.at(PANELS[2], 38, "Cold Ness, île de Haldry", 12, "I", FOAM, PANEL, "C")
    _lighthouse(sheet, PANELS[2] + 44, 166)
    sheet.at(PANELS[2], 196, "Dépliant pour nos visiteurs, 2025", 9, "", FOAM, PANEL, "C")
    _swell(sheet, 0, 198, 184, ((176, 212, 212), (120, 178, 180), TEAL))
    y = _heading(sheet, 0, "L'histoire du phare")
    for text in (
        """Le premier feu de Cold Ness fut un simple panier de charbon, hissé au bout d'un mât en
        1768 par les veuves du village. La tour actuelle, haute de 31 mètres, date de 1854. Ses
        pierres furent taillées sur la grève et montées par deux bœufs, Prudence et Tonnerre.""",
        """Dans la nuit du 3 novembre 1931, une vague brisa la lanterne. Isla Tarrick, fille du
        gardien, sonna la cloche de brume à la main jusqu'à l'aube et sauva le vapeur Corrin. Le
        ferry de l'île porte aujourd'hui son nom.""",
        """Le phare est automatique depuis 1983. Le dernier gardien, Piet Varr, est parti avec son
        perroquet, qui imitait si bien la corne de brume que les pêcheurs s'y trompaient.""",
    ):
        y = sheet.para(12, y, 76, text, 10.5) + 4
    y = _heading(sheet, 1, "Venir au musée")
    steps = (
        (
            "En bateau",
            """Le ferry part du continent toutes les trois heures. La traversée dure 35
            minutes.""",
        ),
        (
            "À pied",
            """Depuis le port, suivez le sentier bleu par la chapelle : 4 kilomètres, une bonne
            heure de marche.""",
        ),
        (
            "En navette",
            """Le minibus attend devant la boulangerie à 10 h, 12 h et 14 h. Deux euros
            l'aller.""",
        ),
    )
    x = PANELS[1] + 12
    for title, text in steps:
        sheet.at(x, y, title, 11, "B", TEAL)
        y = sheet.para(x, y + 6.5, 76, text, 10.5) + 5
    sheet.block(x, y + 4, 75, 48, fill=WHITE, radius=2)
    sheet.at(x + 6, y + 10, "Bon à savoir", 11, "B", CORAL)
    sheet.para(
        x + 6,
        y + 17,
        64,
        """La tour compte 162 marches et pas d'ascenseur. Les chiens sont les bienvenus dans la
        cour, mais pas dans l'escalier. Prévoyez un coupe-vent, même en août.""",
        10,
    )


def _inside(sheet: Sheet) -> None:
    sheet.add_page()
    sheet.block(PANELS[2], 0, PANEL, 210, fill=SAND)
    _swell(sheet, 0, 198, 184, ((176, 212, 212), (120, 178, 180), TEAL))
    y = _heading(sheet, 0, "Horaires et tarifs")
    hours = (
        ("Période", "Jours", "Heures"),
        ("Avril à juin", "mer. à dim.", "10 h - 17 h"),
        ("Juillet, août", "tous les jours", "9 h 30 - 19 h"),
        ("Sept., octobre", "sam. et dim.", "11 h - 16 h"),
        ("Nov. à mars", "fermé", "-"),
    )
    y = sheet.grid(12, y, (27, 25, 25), hours, "LLR", 8.5, 7.5)
    prices = (
        ("Entrée", "Prix"),
        ("Adulte", "7,50 €"),
        ("Étudiant", "5,00 €"),
        ("Enfant de 6 à 14 ans", "3,00 €"),
        ("Moins de 6 ans", "gratuit"),
        ("Famille, deux adultes et trois enfants", "18,00 €"),
        ("Montée nocturne, le vendredi", "11,00 €"),
    )
    y = sheet.grid(12, y + 9, (59, 18), prices, "LR", 8.5, 7.5, accent=TEAL)
    sheet.para(
        12,
        y + 6,
        76,
        """La montée nocturne a lieu de mai à septembre, par temps clair, pour douze personnes au
        plus. Réservez à la billetterie ou au 0431.""",
        9,
        "I",
        GREY,
    )
    y = _heading(sheet, 1, "Que voir ?")
    x = PANELS[1] + 12
    rooms = (
        ("Salle 1", "La lentille de 1854, deux tonnes de verre qui flottent sur du mercure."),
        ("Salle 2", "La cloche de brume. Elle est en réparation et reviendra en novembre."),
        ("Salle 3", "La cuisine du gardien, son poêle et ses quarante tasses dépareillées."),
        ("Salle 4", "Le marégraphe à flotteur, qui traça la marée pendant onze ans."),
        ("Galerie", "Le tour d'horizon. Par beau temps on compte sept îles et trois clochers."),
    )
    for i, (name, text) in enumerate(rooms):
        sheet.set_fill_color(*(AMBER if i % 2 else TEAL))
        sheet.circle(x + 3, y + 4, 3, style="F")
        sheet.at(x + 10, y, name, 10.5, "B", DEEP)
        y = sheet.para(x + 10, y + 6, 66, text, 10.5) + 6
    y = _heading(sheet, 2, "La soupe du gardien")
    x = PANELS[2] + 12
    y = sheet.para(x, y, 76, "Pour quatre personnes affamées par le vent.", 9.5, "I", GREY) + 3
    for line in (
        "1 kg de moules bien lavées",
        "3 pommes de terre",
        "2 poireaux",
        "1 poignée de varech séché",
        "20 cl de crème, 1 verre de cidre",
    ):
        sheet.set_fill_color(*CORAL)
        sheet.circle(x + 1.5, y + 2.2, 1, style="F")
        sheet.at(x + 6, y, line, 9.5)
        y += 6.5
    y += 3
    for text in (
        """Ouvrez les moules dans le cidre, à feu vif, puis filtrez le jus. Faites fondre les
        poireaux dans un peu de beurre, ajoutez les pommes de terre en dés et le jus, et laissez
        cuire vingt minutes.""",
        """Hors du feu, versez la crème et remettez les moules sans leurs coquilles. Émiettez le
        varech au dernier moment. Ne salez pas : la mer s'en est chargée.""",
        """On la sert au café du musée tous les dimanches, avec du pain de seigle.""",
    ):
        y = sheet.para(x, y, 76, text, 10.5) + 4


def build() -> None:
    """Writes the leaflet."""
    sheet = Sheet(
        "Musée du Phare, dépliant 2025",
        "Musée du Phare de Haldry",
        dt.date(2025, 3, 20),
        size=(297.0, 210.0),
        lang="fr",
    )
    _outside(sheet)
    _inside(sheet)
    sheet.save("depliant-musee-du-phare.pdf")
