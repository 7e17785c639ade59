"""The time stamp that a node's properties carry."""


def stamp(unix):
    """Return the time as text: 20010711T163817Z."""
    days, rest = unix // 86400, unix % 86400
    era_day = days + 719468  # days since the 1st of March of the year 0, which makes the leap day the last of its year
    era, day = era_day // 146097, era_day % 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month, year = (month + 3, year) if month < 10 else (month - 9, year + 1)
    return "%04d%02d%02dT%02d%02d%02dZ" % (era * 400 + year, month, day, rest // 3600, rest // 60 % 60, rest % 60)
