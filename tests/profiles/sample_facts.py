"""Facts as sources tell them, of fictitious people and organisations (decisions 9.6)."""

from datetime import date

from authn.sources.facts import (
    Child,
    DeskRoles,
    FactPeriod,
    Mandate,
    Membership,
    NaturalPerson,
    Organisation,
    Quality,
)

OPEN = FactPeriod(date(2020, 1, 1))
TO_SUMMER = FactPeriod(date(2020, 1, 1), date(2026, 6, 30))

MARCEL = NaturalPerson("00410100162", "Marcel", "Vandenbossche")
JURGEN = NaturalPerson("05520900401", "Jürgen", "Kettenis")
NOOR = NaturalPerson("07261500370", "Noor", "Lenaerts-Haddad")
LUCAS = NaturalPerson("12410100251", "Lucas", "Benali")

HOSPITAL = Organisation("hospital", "Sint-Elders Hospital", "0406798006", "71000012")
FIRM = Organisation("enterprise", "Fictief BV", "0403019261")

PHYSICIAN = Quality("physician", "10000000004", OPEN)
NURSE = Quality("nurse", "40000000004", TO_SUMMER)
AT_HOSPITAL = Membership(HOSPITAL, "Head of department", OPEN)
FOR_JURGEN = Mandate("m-1", JURGEN, ("medicaldatamanagement", "recipe"), OPEN, True, True)
FOR_FIRM = Mandate("m-2", FIRM, ("recipe",), TO_SUMMER, True, True)
AT_GHENT = DeskRoles("Ghent", ("agent", "supervisor"))
PARENT_OF_LUCAS = Child(LUCAS, "2020-05-17")
