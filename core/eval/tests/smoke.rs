//! Smoke.
mod kit;
use kit::*;

#[test]
fn smoke() {
    for body in [
        "varnish::cache(#{ memroy: \"4G\" });",
        "varnish::cache(#{ memory: \"4\", images: #{ webp: 1 } });\nlet x = \"9x\";\nvarnish::cache(#{ memory: x });\nvarnsh::cache(#{});\nvarnish::cach(#{});\nwebsit(\"a\", #{});\nlet h = website(\"pl\", #{ hosts: [\"acme.pl\"] });\nlet y = nope + 1;\ngeo_throttling::limit(\"x\", #{ on: \"pll\", rate: \"10/1m\", path: `^/x` });",
        "let p = resource(\"local.port\", \"spare\", #{});\noutput(\"p\", `http://x:${p.number}`);\nif p.number == 5 { }",
        "let x = 1\nlet y = 2;",
        "varnish::cache(#{ default: 1 });",
        "let x = \"a\\d\";",
        "fn f(n) { f(n + 1) }\nf(1);",
        "loop { }",
        "fn f() { website(5) }\nf();\nlet h = website(\"pl\", #{ hosts: [\"acme.pl\"] });\nh.foo;\nredis::cache();\nwebsite(\"pl\", #{ hosts: [\"a.b\"] });",
    ] {
        println!("---- {body}");
        for line in wrong(body) { println!("   {line}"); }
    }
    println!("{:#?}", right("let p = resource(\"local.port\", \"spare\", #{});\noutput(\"p\", `http://x:${p.number}`); output(\"s\", \"a\" + secret(\"x\"));\nvarnish::vcl(\"recv\", path(\"a.vcl\"));\nlet a = role(\"app\", #{min: 2}); allow(a, \"10.0.0.0/8:443\"); website(\"pl\", #{ hosts: [\"acme.pl\"] });").calls);
    panic!();
}
