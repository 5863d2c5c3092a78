//! The lexer against texts a person writes, against Rhai's own, and against anything at all.

use std::iter;

use mops_model::SourceId;
use rhai::Engine;

use super::{KEYWORDS, TokenKind, tokens};

/// Pieces that are awkward beside one another.
const AWKWARD: &[&str] = &[
    "\"", "'", "`", "${", "}", "{", "#{", "#\"", "\"#", "##", "\\", "\\\"", "/*", "*/", "//", "\n", "\r\n",
    " ", "0x", "1", "1.", "..=", "..", "e+", "_", "!in", "!", "in", "a", "é", "\u{a0}", "?[", "?.", "::",
    "$", "|", "0b2", ".5", "()",
];

fn shown(text: &str) -> Vec<(TokenKind, &str)> {
    let all = tokens(SourceId(0), text);
    all.iter().filter(|it| it.kind != TokenKind::Space).map(|it| (it.kind, it.text(text))).collect()
}

fn texts(text: &str) -> Vec<&str> {
    shown(text).into_iter().map(|it| it.1).collect()
}

/// Numbers that look like chance and are the same in every run (xorshift).
fn chances() -> impl Iterator<Item = usize> {
    let mut seed = 0x006d_6f70_u32;
    iter::repeat_with(move || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed as usize
    })
}

#[test]
fn a_call_is_names_brackets_and_text() {
    assert_eq!(
        texts("varnish::cache(#{ memory: \"4G\" });"),
        ["varnish", "::", "cache", "(", "#{", "memory", ":", "\"4G\"", "}", ")", ";"]
    );
}

#[test]
fn values_inside_text_nest() {
    let nested = "`a${ #{ k: `x${1}y` }.k }b${c}d`";
    assert_eq!(
        texts(nested),
        ["`a${", "#{", "k", ":", "`x${", "1", "}y`", "}", ".", "k", "}b${", "c", "}d`"]
    );
    assert_eq!(shown(nested)[0].0, TokenKind::TextStart);
    assert_eq!(shown(nested)[10].0, TokenKind::TextMiddle);
    assert_eq!(shown(nested)[12].0, TokenKind::TextEnd);
}

#[test]
fn text_ends_where_rhai_ends_it() {
    assert_eq!(texts(r#""a\"b" "c""d" 'x' '\''"#), [r#""a\"b""#, r#""c""d""#, "'x'", r"'\''"]);
    assert_eq!(texts(r###"##"a"#b"## c"###), [r###"##"a"#b"##"###, "c"]);
    assert_eq!(texts(r"`a\${b}``c` d"), [r"`a\${b}``c`", "d"]);
    assert_eq!(texts("\"a\\\nb\" c"), ["\"a\\\nb\"", "c"]);
}

#[test]
fn text_that_nothing_closes_is_open() {
    assert_eq!(shown("\"abc\nlet"), [(TokenKind::OpenText, "\"abc"), (TokenKind::Keyword, "let")]);
    assert_eq!(shown("`abc\nlet"), [(TokenKind::OpenText, "`abc\nlet")]);
    assert_eq!(shown("#\"abc\"")[0].0, TokenKind::OpenText);
}

#[test]
fn block_comments_nest_and_may_stay_open() {
    assert_eq!(shown("/* a /* b */ c */ d")[0], (TokenKind::BlockComment, "/* a /* b */ c */"));
    assert_eq!(shown("/* a /* b */ c")[0].0, TokenKind::OpenComment);
    assert_eq!(shown("a // b\nc")[1], (TokenKind::LineComment, "// b"));
}

#[test]
fn numbers_and_ranges_are_told_apart() {
    assert_eq!(texts("0..=10 1.5e-3 1.max 0xff_00 1_000."), {
        ["0", "..=", "10", "1.5e-3", "1", ".", "max", "0xff_00", "1_000", "."]
    });
}

#[test]
fn operators_are_as_long_as_they_can_be() {
    assert_eq!(texts("a?.b?[c]??d!in e"), ["a", "?.", "b", "?[", "c", "]", "??", "d", "!in", "e"]);
    assert_eq!(texts("!input **= <<="), ["!", "input", "**=", "<<="]);
}

#[test]
fn keywords_are_sorted_and_are_those_of_rhai() {
    assert!(KEYWORDS.is_sorted());
    let engine = Engine::new_raw();
    let refused = |word: &&&str| engine.compile(format!("let {word} = 1;")).is_err();
    assert_eq!(KEYWORDS.iter().filter(refused).count(), KEYWORDS.len());
    assert!(engine.compile("let region = 1; let exit = 2; let global = 3;").is_ok());
}

#[test]
fn nothing_is_lost_whatever_the_text_is() {
    let mut chances = chances();
    for _ in 0..20_000 {
        let length = chances.next().unwrap() % 24;
        let soup: String = chances.by_ref().take(length).map(|it| AWKWARD[it % AWKWARD.len()]).collect();
        let whole: String = tokens(SourceId(0), &soup).iter().map(|it| it.text(&soup)).collect();
        assert_eq!(whole, soup);
    }
}

#[test]
fn nothing_is_lost_of_any_bytes() {
    let mut chances = chances();
    for _ in 0..5_000 {
        let bytes: Vec<u8> = chances.by_ref().take(40).map(|it| it.to_le_bytes()[0]).collect();
        let soup = String::from_utf8_lossy(&bytes);
        let whole: String = tokens(SourceId(0), &soup).iter().map(|it| it.text(&soup)).collect();
        assert_eq!(whole, soup);
    }
}

/// Values inside text are left out: Rhai's parser tells its lexer where they end. So are minus and brackets.
#[test]
fn tokens_begin_where_those_of_rhai_begin() {
    let engine = Engine::new_raw();
    let is_ours_alone = |it: &str| it.contains("${") || it.contains("()") || it.contains('-');
    let mut chances = chances();
    let mut compared = 0;
    for _ in 0..20_000 {
        let length = chances.next().unwrap() % 12;
        let soup: String = chances.by_ref().take(length).map(|it| AWKWARD[it % AWKWARD.len()]).collect();
        let soup = soup.replace("0b2", "0b1").replace("é", "e");
        let theirs: Vec<(rhai::Token, rhai::Position)> =
            engine.lex([&soup]).0.take_while(|it| it.0 != rhai::Token::EOF).collect();
        let is_wrong = |it: &(rhai::Token, _)| matches!(it.0, rhai::Token::LexError(_));
        if is_ours_alone(&soup) || theirs.iter().any(is_wrong) {
            continue;
        }
        let is_known = |it: &&(rhai::Token, _)| !matches!(it.0, rhai::Token::Comment(_));
        let theirs: Vec<_> = theirs.iter().filter(is_known).map(|it| it.1).collect();
        let ours: Vec<_> = tokens(SourceId(0), &soup)
            .iter()
            .filter(|it| !it.is_trivia())
            .map(|it| {
                let before = &soup[..it.span.start as usize];
                let line = before.rfind('\n').map_or(0, |it| it + 1);
                let number = |it: usize| u16::try_from(it + 1).unwrap();
                rhai::Position::new(
                    number(before.matches('\n').count()),
                    number(before[line..].chars().count()),
                )
            })
            .collect();
        assert_eq!(ours, theirs, "{soup:?}");
        compared += 1;
    }
    assert!(compared > 5_000, "{compared}");
}
