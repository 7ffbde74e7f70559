//! The words of a date: numbers, and names of months, days, units and time zones, abbreviated or not.

use std::iter::Peekable;
use std::str::Chars;

/// A word of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A number without a sign; also `next`, `third`.
    Unsigned(i64),
    /// A number with a sign.
    Signed(i64),
    /// A month, from 1 on.
    Month(i64),
    /// A day of the week, from Sunday, 0, on.
    Day(i64),
    /// A unit of this many seconds.
    Seconds(i64),
    /// A unit of this many months.
    Months(i64),
    /// A time zone: seconds west of Greenwich.
    Zone(i64),
    /// A time zone in summer: seconds west of Greenwich of its standard time.
    SummerZone(i64),
    /// `dst` behind a time zone.
    Summer,
    /// `am`, or with true `pm`.
    Afternoon(bool),
    Ago,
    Never,
    /// A sign of punctuation.
    Sign(char),
}

use Token::{Ago, Day, Month, Months, Never, Seconds, Summer, SummerZone, Unsigned, Zone};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Months and days, which may be cut to three letters.
const CALENDAR: &[(&str, Token)] = &[
    ("january", Month(1)),
    ("february", Month(2)),
    ("march", Month(3)),
    ("april", Month(4)),
    ("may", Month(5)),
    ("june", Month(6)),
    ("july", Month(7)),
    ("august", Month(8)),
    ("september", Month(9)),
    ("sept", Month(9)),
    ("october", Month(10)),
    ("november", Month(11)),
    ("december", Month(12)),
    ("sunday", Day(0)),
    ("monday", Day(1)),
    ("tuesday", Day(2)),
    ("tues", Day(2)),
    ("wednesday", Day(3)),
    ("wednes", Day(3)),
    ("thursday", Day(4)),
    ("thur", Day(4)),
    ("thurs", Day(4)),
    ("friday", Day(5)),
    ("saturday", Day(6)),
];

/// Units, which may have an `s` at the end.
const UNITS: &[(&str, Token)] = &[
    ("year", Months(12)),
    ("month", Months(1)),
    ("fortnight", Seconds(14 * DAY)),
    ("week", Seconds(7 * DAY)),
    ("day", Seconds(DAY)),
    ("hour", Seconds(HOUR)),
    ("minute", Seconds(MINUTE)),
    ("min", Seconds(MINUTE)),
    ("second", Seconds(1)),
    ("sec", Seconds(1)),
];

const OTHERS: &[(&str, Token)] = &[
    ("tomorrow", Seconds(DAY)),
    ("yesterday", Seconds(-DAY)),
    ("today", Seconds(0)),
    ("now", Seconds(0)),
    ("this", Seconds(0)),
    ("last", Unsigned(-1)),
    ("next", Unsigned(2)),
    ("first", Unsigned(1)),
    ("third", Unsigned(3)),
    ("fourth", Unsigned(4)),
    ("fifth", Unsigned(5)),
    ("sixth", Unsigned(6)),
    ("seventh", Unsigned(7)),
    ("eighth", Unsigned(8)),
    ("ninth", Unsigned(9)),
    ("tenth", Unsigned(10)),
    ("eleventh", Unsigned(11)),
    ("twelfth", Unsigned(12)),
    ("ago", Ago),
    ("never", Never),
    ("am", Token::Afternoon(false)),
    ("pm", Token::Afternoon(true)),
    ("dst", Summer),
];

const ZONES: &[(&str, Token)] = &[
    ("gmt", Zone(0)),
    ("ut", Zone(0)),
    ("utc", Zone(0)),
    ("wet", Zone(0)),
    ("bst", SummerZone(0)),
    ("ast", Zone(4 * HOUR)),
    ("adt", SummerZone(4 * HOUR)),
    ("est", Zone(5 * HOUR)),
    ("edt", SummerZone(5 * HOUR)),
    ("cst", Zone(6 * HOUR)),
    ("cdt", SummerZone(6 * HOUR)),
    ("mst", Zone(7 * HOUR)),
    ("mdt", SummerZone(7 * HOUR)),
    ("pst", Zone(8 * HOUR)),
    ("pdt", SummerZone(8 * HOUR)),
    ("hst", Zone(10 * HOUR)),
    ("cet", Zone(-HOUR)),
    ("met", Zone(-HOUR)),
    ("mest", SummerZone(-HOUR)),
    ("eet", Zone(-2 * HOUR)),
    ("cct", Zone(-8 * HOUR)),
    ("jst", Zone(-9 * HOUR)),
    ("kst", Zone(-9 * HOUR)),
    ("east", Zone(-10 * HOUR)),
    ("eadt", SummerZone(-10 * HOUR)),
    ("nzst", Zone(-12 * HOUR)),
    ("nzdt", SummerZone(-12 * HOUR)),
];

/// The words of a text; `None` where one is unknown. What stands in parentheses is passed over.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut rest = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(&c) = rest.peek() {
        match c {
            c if c.is_ascii_whitespace() => _ = rest.next(),
            '(' => skip_comment(&mut rest),
            '+' | '-' => {
                rest.next();
                // A sign without a number is passed over, as the hyphen of a range.
                if let Some(number) = number(&mut rest)? {
                    tokens.push(Token::Signed(if c == '-' { -number } else { number }));
                }
            }
            c if c.is_ascii_digit() => tokens.extend(number(&mut rest)?.map(Unsigned)),
            c if c.is_ascii_alphabetic() => tokens.push(word(&mut rest)?),
            sign => {
                rest.next();
                tokens.push(Token::Sign(sign));
            }
        }
    }
    Some(tokens)
}

fn skip_comment(rest: &mut Peekable<Chars<'_>>) {
    let mut depth = 0;
    for c in rest.by_ref() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// `Some(None)`: no digit is next; `None`: too many of them.
fn number(rest: &mut Peekable<Chars<'_>>) -> Option<Option<i64>> {
    let mut number = None;
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        let digit = i64::from(digit.to_digit(10)?);
        number = Some(i32::try_from(number.unwrap_or(0) * 10 + digit).ok()?.into());
    }
    Some(number)
}

fn word(rest: &mut Peekable<Chars<'_>>) -> Option<Token> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| c.is_ascii_alphabetic() || *c == '.') {
        word.push(c.to_ascii_lowercase());
    }
    let abbreviation = Some(word.strip_suffix('.').unwrap_or(&word)).filter(|short| short.len() == 3);
    let of_calendar = |(name, _): &&(&str, Token)| *name == word || abbreviation.is_some_and(|a| name.starts_with(a));
    if let Some((_, token)) = CALENDAR.iter().find(of_calendar) {
        return Some(*token);
    }
    let plain: String = word.chars().filter(|c| *c != '.').collect();
    let look_up =
        |table: &[(&str, Token)], word: &str| table.iter().find(|(name, _)| *name == word).map(|(_, token)| *token);
    look_up(ZONES, &plain)
        .or_else(|| look_up(UNITS, &word))
        .or_else(|| look_up(UNITS, word.strip_suffix('s')?))
        .or_else(|| look_up(OTHERS, &plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_full_abbreviated_and_in_the_plural() {
        assert_eq!(tokens("Friday FRI fri. sept Sep").unwrap(), [Day(5), Day(5), Day(5), Month(9), Month(9)]);
        assert_eq!(tokens("weeks sec second").unwrap(), [Seconds(7 * DAY), Seconds(1), Seconds(1)]);
        assert_eq!(tokens("p.m. PST U.T.C.").unwrap(), [Token::Afternoon(true), Zone(8 * HOUR), Zone(0)]);
        assert_eq!(tokens("parsec"), None);
    }

    #[test]
    fn a_number_behind_a_hyphen_has_a_sign() {
        assert_eq!(tokens("2026-01-31").unwrap(), [Unsigned(2026), Token::Signed(-1), Token::Signed(-31)]);
        assert_eq!(tokens("(a note) 1 - 2").unwrap(), [Unsigned(1), Unsigned(2)].map(|t| t).to_vec());
        assert_eq!(tokens("99999999999"), None);
    }
}
