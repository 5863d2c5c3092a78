//! What the formatter makes of scripts.

use super::format;
use crate::library;

fn formatted(text: &str) -> String {
    format("test.rhai", text).unwrap_or_else(|it| panic!("{text}\n{:?}", it.diagnostics))
}

fn stays(text: &str) {
    assert_eq!(formatted(text), text);
}

#[test]
fn a_statement_takes_a_line_and_blanks_are_even() {
    assert_eq!(formatted("let a=1+2 ;f( a ,-1 );\n\n\n\n\ng(!a);"), "let a = 1 + 2;\nf(a, -1);\n\ng(!a);\n");
    assert_eq!(formatted("if a{b()}else{c()}d()"), "if a { b() } else { c() }\nd()\n");
}

#[test]
fn a_map_on_one_line_stays_on_it() {
    stays("varnish::cache(#{ memory: \"4G\", grace: \"3d\" });\n");
    assert_eq!(formatted("f(#{a:1,b:[1,2,],});\n"), "f(#{ a: 1, b: [1, 2] });\n");
}

#[test]
fn a_map_on_several_lines_has_a_key_a_line() {
    assert_eq!(formatted("f(#{ a: 1, b:\n2 })"), "f(#{\n    a: 1,\n    b:\n        2,\n})\n");
    assert_eq!(formatted("f(#{ a: 1,\nb: 2 })"), "f(#{\n    a: 1,\n    b: 2,\n})\n");
}

#[test]
fn a_line_that_is_too_long_is_broken_at_its_outermost_map() {
    let long = "x".repeat(90);
    let text = format!("site(\"a\", #{{ magento: #{{ version: \"2.4.6\" }}, text: \"{long}\" }});");
    let wanted =
        format!("site(\"a\", #{{\n    magento: #{{ version: \"2.4.6\" }},\n    text: \"{long}\",\n}});\n");
    assert_eq!(formatted(&text), wanted);
}

#[test]
fn comments_stay_where_they_are() {
    stays(
        "// First.\n\n/// Of a.\nfn a() { 1 }\n\na(); // After it.\n/* Alone. */\nf(#{\n    // Inside.\n    a: 1, // After a.\n});\n// Last.\n",
    );
    assert_eq!(formatted("f(#{ a: 1 // Why.\n, b: 2 })"), "f(#{\n    a: 1, // Why.\n    b: 2,\n})\n");
}

#[test]
fn statements_that_go_on_below_keep_their_breaks() {
    stays("let a = b\n    .map(|x| {\n        let y = x;\n        y + 1\n    })\n    .filter(|x| x > 1);\n");
    stays("f(\n    a,\n    b\n);\n");
    stays("let c = a\n    || b;\n");
}

#[test]
fn every_part_of_the_language_is_laid_out() {
    stays("import \"./a\" as b;\nexport const C = 0xff;\n");
    stays("for (x, i) in 0..=5 { f(x, i) }\n");
    stays("while true { break }\nloop { continue }\ndo { a() } while b;\n");
    stays("switch x {\n    1 | 2 => f(),\n    3..5 if y => { g() }\n    _ => h(),\n}\n");
    stays("try { a() } catch (e) { throw e; }\n");
    stays("let a = x?.y ?? z?[1][2];\n");
    stays("let f = || 1;\nlet g = |x, y| x | y;\nlet h = a || b;\n");
    stays("let t = `a${ b+1 }c` + #\"raw\"# + 'c';\nreturn -x;\n");
    stays("private fn f(x) {\n    if x !in [1] { return; }\n    f!(x);\n    this.y = !x;\n}\n");
}

#[test]
fn text_over_several_lines_is_not_touched() {
    stays("f(`\na\n  b`);\n");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let failed = format("test.rhai", "let a = ;").unwrap_err();
    assert_eq!(failed.diagnostics[0].labels.len(), 1);
}

#[test]
fn the_standard_library_is_formatted() {
    for (name, text) in library() {
        assert_eq!(formatted(text), text, "{name}");
    }
}
