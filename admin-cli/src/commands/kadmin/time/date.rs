//! Dates as kadmin reads and writes them: an absolute day and time, a day of the week, and lengths that are added to now.

use crate::commands::kadmin::time::tokens::{Token, tokens};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The time at which a command runs, and the zone that dates without one are of.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    time: Timestamp,
    zone: TimeZone,
}

impl Now {
    /// The system's time and zone (`TZ`, or that of the machine).
    pub(crate) fn of_system() -> Now {
        Now { time: Timestamp::now(), zone: TimeZone::try_system().unwrap_or(TimeZone::UTC) }
    }

    #[cfg(test)]
    pub(crate) fn utc(seconds: i64) -> Now {
        Now { time: Timestamp::from_second(seconds).unwrap(), zone: TimeZone::UTC }
    }

    /// Seconds since the epoch.
    pub(crate) fn seconds(&self) -> i64 {
        self.time.as_second()
    }

    /// `Thu Nov 26 22:08:43 UTC 2026`.
    pub(crate) fn date_text(&self, seconds: i64) -> String {
        let zoned = Timestamp::from_second(seconds).map(|time| time.to_zoned(self.zone.clone()));
        zoned.map_or_else(|_| "(error)".to_owned(), |zoned| zoned.strftime("%a %b %d %H:%M:%S %Z %Y").to_string())
    }

    /// `11/26/26 22:08:43`, as keytabs are listed.
    pub(crate) fn short_text(&self, seconds: i64) -> String {
        let zoned = Timestamp::from_second(seconds).map(|time| time.to_zoned(self.zone.clone()));
        zoned.map_or_else(|_| "(error)".to_owned(), |zoned| zoned.strftime("%m/%d/%y %H:%M:%S").to_string())
    }
}

/// Seconds since the epoch of a date; `never` is 0. `None`: no date.
pub(crate) fn parse_date(text: &str, now: &Now) -> Option<i64> {
    let tokens = tokens(text)?;
    if let Some((Token::Never, [])) = tokens.split_first().map(|(first, rest)| (*first, rest)) {
        return Some(0);
    }
    Reading::default().items(&tokens)?.resolve(now)
}

/// The items of a date, as far as they are read.
#[derive(Debug, Default)]
struct Reading {
    date: Option<CalendarDay>,
    time: Option<Time>,
    /// Seconds west of Greenwich.
    zone: Option<i64>,
    /// How many times, and the day of the week from Sunday, 0, on.
    weekday: Option<(i64, i64)>,
    relative: Option<(i64, i64)>,
}

/// A day; `None`: that of now.
#[derive(Debug, Clone, Copy)]
struct CalendarDay {
    year: Option<i64>,
    month: i64,
    day: i64,
}

use Token::{Ago, Day, Month, Months, Never, Seconds, Sign, Signed, Summer, SummerZone, Unsigned, Zone};

impl Reading {
    fn items(mut self, tokens: &[Token]) -> Option<Reading> {
        let mut rest = tokens;
        while !rest.is_empty() {
            rest = self.item(rest)?;
        }
        Some(self)
    }

    /// Reads one item, and returns what follows it.
    fn item<'t>(&mut self, tokens: &'t [Token]) -> Option<&'t [Token]> {
        match *tokens {
            [Unsigned(_), Token::Afternoon(_) | Sign(':'), ..] => self.time(tokens),
            [Unsigned(_), Sign('/') | Signed(_) | Month(_), ..] | [Month(_), ..] => self.date(tokens),
            [Unsigned(count), Day(day), ref rest @ ..] => self.set_weekday(count, day, rest),
            [Day(day), Sign(','), ref rest @ ..] | [Day(day), ref rest @ ..] => self.set_weekday(1, day, rest),
            [Zone(west), Summer, ref rest @ ..] | [SummerZone(west), ref rest @ ..] => self.set_zone(west - 3600, rest),
            [Zone(west), ref rest @ ..] => self.set_zone(west, rest),
            [Unsigned(count) | Signed(count), Seconds(unit), ref rest @ ..] => {
                self.add(count.checked_mul(unit)?, 0, rest)
            }
            [Unsigned(count) | Signed(count), Months(unit), ref rest @ ..] => {
                self.add(0, count.checked_mul(unit)?, rest)
            }
            [Seconds(unit), ref rest @ ..] => self.add(unit, 0, rest),
            [Months(unit), ref rest @ ..] => self.add(0, unit, rest),
            [Never, ref rest @ ..] if self.date.is_none() => {
                self.date = Some(CalendarDay { year: Some(1970), month: 1, day: 1 });
                self.zone = Some(0);
                Some(rest)
            }
            _ => None,
        }
    }

    fn time<'t>(&mut self, tokens: &'t [Token]) -> Option<&'t [Token]> {
        let (hour, minute, second, rest): (i64, i64, i64, &'t [Token]) = match *tokens {
            [Unsigned(hour), Sign(':'), Unsigned(minute), Sign(':'), Unsigned(second), ref rest @ ..] => {
                (hour, minute, second, rest)
            }
            [Unsigned(hour), Sign(':'), Unsigned(minute), ref rest @ ..] => (hour, minute, 0, rest),
            [Unsigned(hour), ref rest @ ..] => (hour, 0, 0, rest),
            _ => return None,
        };
        let (hour, rest) = match *rest {
            [Token::Afternoon(is_afternoon), ref rest @ ..] if (1..=12).contains(&hour) => {
                (hour % 12 + if is_afternoon { 12 } else { 0 }, rest)
            }
            [Token::Afternoon(_), ..] => return None,
            // An offset from Greenwich, as +0130.
            [Signed(offset), ref rest @ ..] if !matches!(rest.first(), Some(Seconds(_) | Months(_))) => {
                self.zone = Some(-(offset % 100 * 60 + offset / 100 * 3600));
                (hour, rest)
            }
            _ => (hour, rest),
        };
        let time =
            Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0).ok()?;
        self.time.replace(time).is_none().then_some(rest)
    }

    fn date<'t>(&mut self, tokens: &'t [Token]) -> Option<&'t [Token]> {
        let (year, month, day, rest): (Option<i64>, i64, i64, &'t [Token]) = match *tokens {
            [Unsigned(month), Sign('/'), Unsigned(day), Sign('/'), Unsigned(year), ref rest @ ..] => {
                (Some(year), month, day, rest)
            }
            [Unsigned(month), Sign('/'), Unsigned(day), ref rest @ ..] => (None, month, day, rest),
            [Unsigned(year), Signed(month), Signed(day), ref rest @ ..] => (Some(year), -month, -day, rest),
            [Unsigned(day), Month(month), Signed(year), ref rest @ ..] => (Some(-year), month, day, rest),
            [Unsigned(day), Month(month), Unsigned(year), ref rest @ ..] => (Some(year), month, day, rest),
            [Unsigned(day), Month(month), ref rest @ ..] => (None, month, day, rest),
            [Month(month), Unsigned(day), Sign(','), Unsigned(year), ref rest @ ..] => (Some(year), month, day, rest),
            [Month(month), Unsigned(day), ref rest @ ..] => (None, month, day, rest),
            _ => return None,
        };
        // Two digits are a year of the last century.
        let year = year.map(|year| if year.abs() < 1900 { year.abs() + 1900 } else { year.abs() });
        self.date.replace(CalendarDay { year, month, day }).is_none().then_some(rest)
    }

    fn set_weekday<'t>(&mut self, count: i64, day: i64, rest: &'t [Token]) -> Option<&'t [Token]> {
        self.weekday.replace((count, day)).is_none().then_some(rest)
    }

    fn set_zone<'t>(&mut self, west: i64, rest: &'t [Token]) -> Option<&'t [Token]> {
        self.zone.replace(west).is_none().then_some(rest)
    }

    fn add<'t>(&mut self, seconds: i64, months: i64, rest: &'t [Token]) -> Option<&'t [Token]> {
        let (all_seconds, all_months) = self.relative.unwrap_or_default();
        let sum = (all_seconds.checked_add(seconds)?, all_months.checked_add(months)?);
        let (sum, rest) = match rest {
            [Ago, rest @ ..] => ((-sum.0, -sum.1), rest),
            rest => (sum, rest),
        };
        self.relative = Some(sum);
        Some(rest)
    }

    /// The instant that the items name.
    fn resolve(self, now: &Now) -> Option<i64> {
        let today = now.time.to_zoned(now.zone.clone());
        let is_absolute = self.date.is_some() || self.time.is_some() || self.weekday.is_some();
        let begin = if is_absolute {
            let day = match self.date {
                Some(day) => day.resolve(i64::from(today.year()))?,
                None => today.date(),
            };
            self.instant(day.to_datetime(self.time.unwrap_or(Time::midnight())), &now.zone)?
        } else if self.relative.is_some() {
            now.time
        } else {
            self.instant(today.date().to_datetime(Time::midnight()), &now.zone)?
        };
        let (seconds, months) = self.relative.unwrap_or_default();
        let moved = begin.checked_add(Span::new().try_seconds(seconds).ok()?).ok()?;
        let mut zoned = moved.to_zoned(now.zone.clone());
        zoned = zoned.checked_add(Span::new().try_months(months).ok()?).ok()?;
        if let (Some((count, day)), None) = (self.weekday, self.date) {
            let ahead = (day - i64::from(zoned.weekday().to_sunday_zero_offset()) + 7) % 7;
            let weeks = if count <= 0 { count } else { count - 1 };
            zoned = zoned.checked_add(Span::new().try_days(ahead + 7 * weeks).ok()?).ok()?;
        }
        u32::try_from(zoned.timestamp().as_second()).ok().map(i64::from)
    }

    fn instant(&self, local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
        match self.zone {
            Some(west) => {
                let at_greenwich = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
                at_greenwich.checked_add(Span::new().try_seconds(west).ok()?).ok()
            }
            None => Some(local.to_zoned(zone.clone()).ok()?.timestamp()),
        }
    }
}

impl CalendarDay {
    fn resolve(self, this_year: i64) -> Option<Date> {
        let part = |number: i64| i8::try_from(number).ok();
        let year = i16::try_from(self.year.unwrap_or(this_year)).ok().filter(|year| *year >= 1970)?;
        Date::new(year, part(self.month)?, part(self.day)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thu Nov 26 22:08:43 UTC 2026.
    const NOW: i64 = 1_795_730_923;

    fn text(date: &str) -> String {
        let now = Now::utc(NOW);
        parse_date(date, &now).map_or_else(|| "no date".to_owned(), |seconds| now.date_text(seconds))
    }

    #[test]
    fn a_date_is_written_as_strftime_of_the_c_library_does() {
        assert_eq!(Now::utc(NOW).date_text(NOW), "Thu Nov 26 22:08:43 UTC 2026");
        assert_eq!(Now::utc(NOW).short_text(NOW), "11/26/26 22:08:43");
    }

    #[test]
    fn days_and_times_are_read_in_every_order_of_the_manual() {
        for date in [
            "2026-01-31 10:20:30",
            "1/31/2026 10:20:30",
            "10:20:30 31 jan 2026",
            "31-Jan-2026 10:20:30",
            "January 31, 2026 10:20:30",
            "2026-01-31 11:20:30 +0100",
            "2026-01-31 5:20:30 EST",
            "2026-01-31 6:20:30 EDT",
        ] {
            assert_eq!(text(date), "Sat Jan 31 10:20:30 UTC 2026", "{date}");
        }
        assert_eq!(text("2027-01-01 00:00:00"), "Fri Jan 01 00:00:00 UTC 2027");
        assert_eq!(text("2027-01-01"), "Fri Jan 01 00:00:00 UTC 2027");
        assert_eq!(text("1/2/99 3 pm"), "Sat Jan 02 15:00:00 UTC 1999");
        assert_eq!(text("23:00"), "Thu Nov 26 23:00:00 UTC 2026");
    }

    #[test]
    fn lengths_are_added_to_now_or_to_the_date() {
        assert_eq!(text("now"), "Thu Nov 26 22:08:43 UTC 2026");
        assert_eq!(text("36000 seconds"), "Fri Nov 27 08:08:43 UTC 2026");
        assert_eq!(text("+1 week 2 hours"), "Fri Dec 04 00:08:43 UTC 2026");
        assert_eq!(text("3 months"), "Fri Feb 26 22:08:43 UTC 2027");
        assert_eq!(text("1 year ago"), "Wed Nov 26 22:08:43 UTC 2025");
        assert_eq!(text("2027-01-01 + 1 day"), "Sat Jan 02 00:00:00 UTC 2027");
        assert_eq!(text("tomorrow"), "Fri Nov 27 22:08:43 UTC 2026");
    }

    #[test]
    fn a_day_of_the_week_is_the_next_one_of_its_name() {
        assert_eq!(text("friday"), "Fri Nov 27 00:00:00 UTC 2026");
        assert_eq!(text("next monday"), "Mon Dec 07 00:00:00 UTC 2026");
        assert_eq!(text("5 pm friday"), "Fri Nov 27 17:00:00 UTC 2026");
    }

    #[test]
    fn never_is_zero_and_nonsense_is_no_date() {
        assert_eq!(parse_date("never", &Now::utc(NOW)), Some(0));
        assert_eq!(parse_date("NEVER", &Now::utc(NOW)), Some(0));
        for date in [
            "bogus",
            "2026-13-01",
            "2026-02-30",
            "1/1/2026 2/2/2026",
            "25:00",
            "20260101",
            "12",
            "1 jan 2026 1 feb 2026",
        ] {
            assert_eq!(text(date), "no date", "{date}");
        }
    }

    #[test]
    fn a_date_without_a_zone_is_of_the_zone_of_the_machine() {
        let berlin = jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let now = Now { time: Timestamp::from_second(NOW).unwrap(), zone: berlin };
        assert_eq!(now.date_text(parse_date("2026-07-01 12:00", &now).unwrap()), "Wed Jul 01 12:00:00 CEST 2026");
        assert_eq!(now.date_text(NOW), "Thu Nov 26 23:08:43 CET 2026");
    }
}
