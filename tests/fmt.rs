//! `mops fmt`: one style, twice the same, and never another meaning.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use mops_eval::{format, same_meaning};

use crate::shop::{mops, program, text};

/// What generated scripts are put together from.
const STATEMENTS: [&str; 12] = [
    "varnish::cache(#{memory:\"4G\",grace : \"3d\",})",
    "let f=|x,y|x+ -y*2",
    "if a==1{f(1,2)}else if !a{g()}else{h([1,2,3,])}",
    "for (x,i) in 0..=5{let y=`a${x+1}b`;throttling::limit(`l${i}`,#{path:`^/a`,rate:\"10/1m\",on:[x,y]})}",
    "/* why */ website(\"pl\",#{// hosts\nhosts:[\"acme.pl\",\n\"www.acme.pl\"],countries:[\"pl\"]})",
    "/// Doc.\nfn half(x){let y=x/2;return y}",
    "switch x{1|2=>f(),3..5 if y=>{g();h()}_=>0}",
    "site(\"acme\",#{magento:#{version:\"2.4.6\",release:path(\"release\"),admin_path:\"backoffice\",more:[1,2,3],text:\"aaaaaaaaaaaaa\"}})",
    "let z=a?.b??c?[1]\n.map(|v|{v+1})\n.filter(|v|v>0)",
    "while true{break}do{x+=1}until x>5",
    "try{throw #{code:1}}catch(e){print(e)}",
    "let s=#\"raw \"quoted\" \"#+'c'+\"a\\\"b\";// after",
];

#[test]
fn scripts_and_the_standard_library_are_formatted() {
    let scripts = scripts();
    assert!(scripts.len() > 5, "{scripts:?}");
    let names: Vec<&str> = scripts.iter().map(|it| it.to_str().unwrap()).collect();
    let output = mops(&std::env::temp_dir(), &[&["fmt", "--check"], names.as_slice()].concat());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn formatting_what_was_squeezed_changes_no_meaning_and_twice_is_once() {
    let squeezed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    for script in scripts() {
        let text = fs::read_to_string(&script).unwrap();
        is_sound(&squeezed(&text));
    }
}

#[test]
fn generated_scripts_keep_their_meaning_and_twice_is_once() {
    for seed in 1..300_u32 {
        is_sound(&generated(seed));
    }
}

#[test]
fn formatting_goes_from_stdin_to_stdout() {
    let output = piped(&["fmt", "-"], "let a=[ 1,2 ];");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "let a = [1, 2];\n".to_owned()));
}

#[test]
fn check_names_what_is_not_formatted_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.rhai"), "site( \"a\" );").unwrap();
    let checked = mops(folder.path(), &["fmt", "--check", "shop.rhai"]);
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(
        text(&checked.stderr),
        "error: not formatted: shop.rhai\nhelp: run mops fmt without --check\n"
    );
    assert_eq!(fs::read_to_string(folder.path().join("shop.rhai")).unwrap(), "site( \"a\" );");
    assert_eq!(mops(folder.path(), &["fmt", "shop.rhai"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(folder.path().join("shop.rhai")).unwrap(), "site(\"a\");\n");
}

#[test]
fn a_script_that_cannot_be_read_stays_and_is_named_with_its_place() {
    let output = piped(&["fmt", "-"], "let a = ;");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert!(text(&output.stderr).contains("-:1:9"), "{}", text(&output.stderr));
}

/// What `mops fmt` promises, of one script.
fn is_sound(script: &str) {
    let once = format("test.rhai", script).unwrap_or_else(|it| panic!("{script}\n{:?}", it.diagnostics));
    let twice = format("test.rhai", &once).unwrap_or_else(|it| panic!("{once}\n{:?}", it.diagnostics));
    assert_eq!(twice, once);
    assert!(same_meaning(script, &once), "{script}\n{once}");
    assert!(!once.contains("\n\n\n"), "{once}");
    assert_eq!(script.matches("//").count(), once.matches("//").count(), "{once}");
}

/// A script that is the same for the same seed (xorshift).
fn generated(seed: u32) -> String {
    let mut chance = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = |below: usize| {
        chance ^= chance << 13;
        chance ^= chance >> 17;
        chance ^= chance << 5;
        chance as usize % below
    };
    let mut script = Vec::new();
    for name in 0..=next(6) {
        let end = ["\n;", ";\n\n\n\n", "; ", ";\n"][next(4)];
        let statement = STATEMENTS[next(STATEMENTS.len())].replace("half", &format!("half{name}"));
        let is_function = statement.contains("fn ");
        script.push(match next(3) {
            0 if !is_function => format!("if b {{ {statement}\n}}\n"),
            1 if !is_function => format!("f(|x| {{\n{statement}\n}}){end}"),
            _ => format!("{statement}\n{end}"),
        });
    }
    script.concat()
}

/// The example scripts and the standard library.
fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["scripts", "stdlib"].map(|it| root.join(it));
    let files = folders.iter().flat_map(|it| fs::read_dir(it).unwrap()).map(|it| it.unwrap().path());
    files.filter(|it| it.extension().is_some_and(|it| it == "rhai")).collect()
}

fn piped(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
