//! Lengths of time: `10h`, `1d12h30m`, `7-01:30:00`, `36000 seconds`, as MIT Kerberos reads and writes them.

use crate::commands::kadmin::time::date::{Now, parse_date};
use std::iter::Peekable;
use std::str::Chars;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Longest length that the protocol carries, seconds.
const LONGEST: i64 = i32::MAX as i64;

/// Why a text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDuration {
    /// Neither a length nor a date.
    Unknown,
    /// A date before now, or a negative length.
    Past,
}

/// Seconds of a length of time. A date is the time until then; `never` is 0.
///
/// # Errors
/// See [`NoDuration`].
pub(crate) fn parse_duration(text: &str, now: &Now) -> Result<u32, NoDuration> {
    let seconds = match units(text) {
        Some(seconds) => seconds,
        None => match parse_date(text, now).ok_or(NoDuration::Unknown)? {
            0 => 0,
            date => date - now.seconds(),
        },
    };
    u32::try_from(seconds).map_err(|_| if seconds < 0 { NoDuration::Past } else { NoDuration::Unknown })
}

/// `0 days 10:00:00`.
pub(crate) fn duration_text(seconds: u32) -> String {
    let seconds = i64::from(seconds);
    let (days, rest) = (seconds / DAY, seconds % DAY);
    let word = if days == 1 { "day" } else { "days" };
    format!("{days} {word} {:02}:{:02}:{:02}", rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE)
}

/// A piece of a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// A number, and whether it has at most two digits.
    Number(i64, bool),
    Sign(char),
    Blank,
    /// The end, or a character that ends the length: `11days` is `11d`.
    End,
}

/// The pieces of a text, one read ahead.
struct Tokens<'t> {
    rest: Peekable<Chars<'t>>,
    next: Option<Token>,
}

impl Tokens<'_> {
    fn peek(&mut self) -> Option<Token> {
        if self.next.is_none() {
            self.next = Some(self.read()?);
        }
        self.next
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek();
        self.next = None;
        token
    }

    /// `None`: a number that is too large.
    fn read(&mut self) -> Option<Token> {
        match self.rest.next() {
            Some(sign @ ('-' | ':' | 'd' | 'h' | 'm' | 's')) => Some(Token::Sign(sign)),
            Some(' ' | '\t' | '\n') => {
                while self.rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                Some(Token::Blank)
            }
            Some(digit) if digit.is_ascii_digit() => self.number(digit),
            _ => Some(Token::End),
        }
    }

    fn number(&mut self, first: char) -> Option<Token> {
        let mut number = i64::from(first.to_digit(10)?);
        let mut is_short = true;
        let mut digits = 1;
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            number = number * 10 + i64::from(digit.to_digit(10)?);
            if number > LONGEST {
                return None;
            }
            digits += 1;
            is_short = digits <= 2;
        }
        Some(Token::Number(number, is_short))
    }

    fn skip_blank(&mut self) -> Option<()> {
        if self.peek()? == Token::Blank {
            self.take()?;
        }
        Some(())
    }

    /// A number behind blanks, with a sign or without.
    fn signed(&mut self) -> Option<i64> {
        self.skip_blank()?;
        match self.take()? {
            Token::Number(number, _) => Some(number),
            Token::Sign('-') => match self.take()? {
                Token::Number(number, _) => Some(-number),
                _ => None,
            },
            _ => None,
        }
    }

    /// `:` and a number of two digits.
    fn after_colon(&mut self) -> Option<i64> {
        match (self.take()?, self.take()?) {
            (Token::Sign(':'), Token::Number(number, true)) => Some(number),
            _ => None,
        }
    }

    fn end(&mut self) -> Option<()> {
        (self.take()? == Token::End).then_some(())
    }
}

/// A length in the notation of units or colons; `None`: something else.
fn units(text: &str) -> Option<i64> {
    let mut tokens = Tokens { rest: text.chars().peekable(), next: None };
    let first = tokens.signed()?;
    let seconds = match tokens.take()? {
        Token::Sign('d') => first * DAY + smaller_units(&mut tokens, &[('h', HOUR), ('m', MINUTE), ('s', 1)])?,
        Token::Sign('h') => first * HOUR + smaller_units(&mut tokens, &[('m', MINUTE), ('s', 1)])?,
        Token::Sign('m') => first * MINUTE + smaller_units(&mut tokens, &[('s', 1)])?,
        Token::Sign('s') => {
            tokens.end()?;
            first
        }
        Token::Sign('-') => {
            let Token::Number(hours, true) = tokens.take()? else { return None };
            let seconds = first * DAY + hours * HOUR + tokens.after_colon()? * MINUTE + tokens.after_colon()?;
            tokens.end()?;
            seconds
        }
        Token::Sign(':') => {
            let Token::Number(minutes, true) = tokens.take()? else { return None };
            let seconds = if tokens.peek()? == Token::End { 0 } else { tokens.after_colon()? };
            tokens.end()?;
            first * HOUR + minutes * MINUTE + seconds
        }
        Token::End => first,
        _ => return None,
    };
    (seconds.abs() <= LONGEST).then_some(seconds)
}

/// What follows a unit: numbers with smaller units, each at most once.
fn smaller_units(tokens: &mut Tokens<'_>, units: &[(char, i64)]) -> Option<i64> {
    let mut left = units;
    let mut seconds = 0;
    loop {
        tokens.skip_blank()?;
        if tokens.peek()? == Token::End {
            return Some(seconds);
        }
        let number = tokens.signed()?;
        let Token::Sign(unit) = tokens.take()? else { return None };
        let at = left.iter().position(|(name, _)| *name == unit)?;
        let (_, length) = left.get(at)?;
        seconds += number * length;
        left = left.get(at + 1..)?;
        if left.is_empty() {
            tokens.end()?;
            return Some(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Result<u32, NoDuration> {
        parse_duration(text, &Now::utc(1_795_730_923))
    }

    #[test]
    fn units_follow_each_other_from_large_to_small() {
        for (text, expected) in [
            ("10", 10),
            ("10h", 36_000),
            ("1d12h30m5s", DAY + 12 * HOUR + 30 * MINUTE + 5),
            ("1d 12h", DAY + 12 * HOUR),
            ("11days", 11 * DAY),
            ("1min", 60),
            ("90s", 90),
            ("7d0h0m0s", 7 * DAY),
            ("0", 0),
        ] {
            assert_eq!(seconds(text), Ok(u32::try_from(expected).unwrap()), "{text}");
        }
    }

    #[test]
    fn colons_are_hours_minutes_and_seconds_behind_days() {
        assert_eq!(seconds("1:30"), Ok(5400));
        assert_eq!(seconds("1:30:05"), Ok(5405));
        assert_eq!(seconds("7-01:30:00"), Ok(u32::try_from(7 * DAY + 5400).unwrap()));
    }

    #[test]
    fn what_is_no_length_is_read_as_a_date() {
        assert_eq!(seconds("36000 seconds"), Ok(36_000));
        assert_eq!(seconds("1 day"), Ok(86_400));
        assert_eq!(seconds("2 weeks 1 hour"), Ok(14 * 86_400 + 3600));
        assert_eq!(seconds("never"), Ok(0));
        assert_eq!(seconds("tomorrow"), Ok(86_400));
    }

    #[test]
    fn the_past_and_nonsense_are_refused() {
        assert_eq!(seconds("yesterday"), Err(NoDuration::Past));
        assert_eq!(seconds("-5"), Err(NoDuration::Past));
        for text in ["bogus", "1h1d", "99999999999", "1:300", "1d1"] {
            assert_eq!(seconds(text), Err(NoDuration::Unknown), "{text}");
        }
    }

    #[test]
    fn a_length_is_written_in_days_and_hours() {
        assert_eq!(duration_text(36_000), "0 days 10:00:00");
        assert_eq!(duration_text(86_400 + 61), "1 day 00:01:01");
        assert_eq!(duration_text(604_800), "7 days 00:00:00");
    }
}
