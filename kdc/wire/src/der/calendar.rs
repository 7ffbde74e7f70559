//! The proleptic Gregorian calendar, both ways: days since 1970-01-01 and (year, month, day), without a time library.

/// 0000-01-01T00:00:00Z, the first second that a GeneralizedTime can name.
pub(crate) const FIRST_SECOND: i64 = -62_167_219_200;

/// 9999-12-31T23:59:59Z, the last second that a GeneralizedTime of 15 octets can name.
pub(crate) const LAST_SECOND: i64 = 253_402_300_799;

/// Days in a month (1 to 12) of a year; 0 for other months.
pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

/// (year, month 1-12, day 1-31) of a day counted from 1970-01-01, before it too.
///
/// The year is taken to begin in March, so that the leap day is its last: then months follow a five-month pattern of 153
/// days and years a 400-year pattern of 146,097 days.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Days since 0000-03-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        let mut expected = (0, 1, 1);
        for day in FIRST_SECOND / 86_400..=LAST_SECOND / 86_400 {
            assert_eq!(civil_from_days(day), expected);
            let (year, month, date) = expected;
            expected = match () {
                () if date < days_in_month(year, month) => (year, month, date + 1),
                () if month < 12 => (year, month + 1, 1),
                () => (year + 1, 1, 1),
            };
        }
        assert_eq!(expected, (10_000, 1, 1));
    }

    #[test]
    fn leap_years_follow_the_gregorian_rule() {
        assert_eq!([1900, 2000, 2023, 2024].map(|year| days_in_month(year, 2)), [28, 29, 28, 29]);
        assert_eq!(days_in_month(2024, 13), 0);
    }
}
