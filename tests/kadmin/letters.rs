//! Each letter of the access list, small and capital, and each operation: what a line permits, and what it refuses, by the stock `kadmin`.
//! `kadmin` has no command that brings keys (`s`): these calls are our own client's.

use crate::setting::{PASSWORD, Setting};
use crate::wire::{Administrator, principal};
use anyhow::{Context, Result, ensure};
use kennel_crypto::Enctype;
use kennel_tests::process::Run;
use kennel_wire::kadm5::arguments::Arguments;
use kennel_wire::kadm5::status::Kadm5Status;
use kennel_wire::message::EncryptionKey;

/// Rights of a line, and the letters that are in them.
const LINES: [(&str, &str); 23] = [
    ("a", "a"),
    ("d", "d"),
    ("m", "m"),
    ("c", "c"),
    ("i", "i"),
    ("l", "l"),
    ("s", "s"),
    ("e", "e"),
    // Propagation: Kennel has nothing that needs it.
    ("p", ""),
    ("x", "admcils"),
    ("*", "admcils"),
    ("*e", "admcilse"),
    ("im", "im"),
    ("ad", "ad"),
    ("*A", "dmcils"),
    ("*D", "amcils"),
    ("*M", "adcils"),
    ("*C", "admils"),
    ("*I", "admcls"),
    ("*L", "admcis"),
    ("*S", "admcil"),
    ("*eE", "admcils"),
    ("aXi", "i"),
];

/// A command of kadmin. `#` stands for the number of the administrator, who thereby has principals and policies of its own.
struct Command {
    /// The letters that it needs.
    needs: &'static str,
    line: &'static str,
    /// Words of the line that refuses it.
    refused: &'static str,
}

const fn command(needs: &'static str, line: &'static str, refused: &'static str) -> Command {
    Command { needs, line, refused }
}

const COMMANDS: [Command; 17] = [
    command("a", "addprinc -randkey -clearpolicy new#", "while creating \"new#@"),
    command("a", "addpol newpol#", "while creating policy \"newpol#\""),
    command("d", "delprinc -force del#", "while deleting principal \"del#@"),
    command("d", "delpol -force delpol#", "while deleting policy \"delpol#\""),
    // kadmin looks at the principal first.
    command("im", "modprinc -maxlife 1h mod#", "ing \"mod#@"),
    command("m", "setstr str# key value", "while setting attribute on principal \"str#@"),
    command("m", "purgekeys pur#", "while purging keys for principal \"pur#@"),
    command("m", "modpol -minlength 2 modpol#", "while modifying policy \"modpol#\""),
    command("c", "cpw -randkey rnd#", "while randomizing key for \"rnd#@"),
    command("c", "cpw -pw new cpw#", "while changing password for \"cpw#@"),
    command("i", "getprinc get#", "while retrieving \"get#@"),
    command("i", "getstrs gst#", "while getting attributes for principal \"gst#@"),
    command("i", "getpol getpol#", "while retrieving policy \"getpol#\""),
    command("l", "listprincs none", "get_principals: "),
    command("l", "listpols none", "get_policies: "),
    command("e", "ktadd -norandkey -k KEYTAB ext#", "while changing ext#"),
    command("ad", "renprinc -force ren# to#", "while renaming principal \"ren#@"),
];

/// Principals and policies that are there before.
const PRINCIPALS: [&str; 11] = ["del", "mod", "str", "pur", "rnd", "cpw", "get", "gst", "ext", "ren", "set"];
const POLICIES: [&str; 3] = ["delpol", "modpol", "getpol"];

#[test]
fn each_letter_permits_its_operations_and_its_capital_takes_them_away() -> Result<()> {
    let names: Vec<String> = (0..LINES.len()).map(|number| format!("a{number}/admin")).collect();
    let lines = names.iter().zip(LINES).map(|(name, (rights, _))| format!("{name}@TEST.KENNEL {rights}\n"));
    let list: String = lines.chain(["root/admin@TEST.KENNEL *\n".to_owned()]).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).chain(["root/admin"]).collect();
    let setting = Setting::with(&people, &list)?;
    prepare(&setting)?;
    for (number, (name, (rights, permitted))) in names.iter().zip(LINES).enumerate() {
        check(&setting, number, name, permitted).with_context(|| format!("rights {rights:?}"))?;
    }
    check_names(&setting)
}

fn run(setting: &Setting, who: &str, commands: &str) -> Result<Run> {
    setting.user.run("kadmin", &["-p", who, "-w", PASSWORD], commands)?.ok()
}

fn prepare(setting: &Setting) -> Result<()> {
    let numbers = 0..LINES.len();
    let principal = |number| PRINCIPALS.map(|name| format!("addprinc -randkey -clearpolicy {name}{number}\n")).concat();
    let policy = |number| POLICIES.map(|name| format!("addpol {name}{number}\n")).concat();
    let made =
        run(setting, "root/admin", &numbers.clone().map(principal).chain(numbers.map(policy)).collect::<String>())?;
    ensure!(
        made.stdout.matches("created.").count() == PRINCIPALS.len() * LINES.len() && made.stderr.is_empty(),
        "{made}"
    );
    Ok(())
}

/// Runs every command as one administrator: what its line permits is done, and all else is refused for the right that is missing.
fn check(setting: &Setting, number: usize, name: &str, permitted: &str) -> Result<()> {
    let (_, keytab) = setting.file(&format!("kt{number}"));
    let own = |text: &str| text.replace('#', &number.to_string()).replace("KEYTAB", &keytab);
    let said = run(setting, name, &COMMANDS.iter().map(|command| own(command.line) + "\n").collect::<String>())?;
    let mut refusals = 0;
    for Command { needs, line, refused } in &COMMANDS {
        let refusal = said.stderr.lines().find(|line| line.contains(&own(refused)));
        match needs.chars().find(|letter| !permitted.contains(*letter)) {
            None => ensure!(refusal.is_none(), "{line:?} is refused: {said}"),
            Some(missing) => {
                let why = if *needs == "ad" { "Insufficient authorization for operation" } else { right(missing) };
                ensure!(
                    refusal.is_some_and(|refusal| refusal.contains(why)),
                    "{line:?} is not refused by {why}: {said}"
                );
                refusals += 1;
            }
        }
    }
    ensure!(said.stderr.lines().count() == refusals, "nothing else is wrong: {said}");
    check_set_keys(setting, name, &own("set#"), permitted.contains('s'))
}

/// kadmin's word for a letter.
fn right(letter: char) -> &'static str {
    match letter {
        'a' => "requires ``add'' privilege",
        'd' => "requires ``delete'' privilege",
        'm' => "requires ``modify'' privilege",
        'c' => "requires ``change-password'' privilege",
        'i' => "requires ``get'' privilege",
        'l' => "requires ``list'' privilege",
        _ => "requires ``extract-keys'' privilege",
    }
}

fn check_set_keys(setting: &Setting, name: &str, target: &str, is_permitted: bool) -> Result<()> {
    let keys = vec![EncryptionKey { keytype: Enctype::Aes256CtsHmacSha1.number(), keyvalue: vec![7; 32].into() }];
    let set = Arguments::SetKeys { principal: principal(target)?, keep_old: false, keysalts: vec![], keys };
    let answer = Administrator::log_in(setting, name, "kadmin/admin")?.call(set)?.map(|_| ());
    let expected = if is_permitted { Ok(()) } else { Err(Kadm5Status::AUTH_SETKEY) };
    ensure!(answer == expected, "set keys: {answer:?}");
    Ok(())
}

/// What was said to be done was done, and nothing else.
fn check_names(setting: &Setting) -> Result<()> {
    let listed = run(setting, "root/admin", "listprincs\nlistpols\n")?;
    let there = |name: String| listed.stdout.lines().any(|line| line == name);
    for (number, (rights, permitted)) in LINES.into_iter().enumerate() {
        let may = |letters: &str| letters.chars().all(|letter| permitted.contains(letter));
        let of_realm = |name: &str| there(format!("{name}{number}@TEST.KENNEL"));
        ensure!(of_realm("new") == may("a") && there(format!("newpol{number}")) == may("a"), "{rights}: {listed}");
        ensure!(of_realm("del") != may("d") && there(format!("delpol{number}")) != may("d"), "{rights}: {listed}");
        ensure!(of_realm("to") == may("ad") && of_realm("ren") != may("ad"), "{rights}: {listed}");
    }
    Ok(())
}
