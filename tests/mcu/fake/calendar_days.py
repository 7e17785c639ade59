"""The seconds of a date, without what only one of the interpreters has."""

_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def seconds(date):
    """Return the seconds since 1970 of (year, month, day, hour, minute, second)."""
    year, month, day, hour, minute, second = date[:6]
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (year - 1970) * 365 + (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
    days += _BEFORE[month - 1] + (leap and month > 2) + day - 1
    return days * 86400 + hour * 3600 + minute * 60 + second
