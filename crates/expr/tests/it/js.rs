//! JavaScript filters and templates: the documented ones, every binding form, hostile ones.

use expr::js::{Bindings, Filter, Kind, Template};
use serde_json::{Value, json};

fn event() -> Bindings {
    Bindings::new(json!({
        "event": {"type": "Submission", "action": "Updated"},
        "identity": {"username": "ann", "spaceAdmin": true, "groups": ["g"],
            "profileAttributes": {"Phone": ["1"]}},
        "space": {"name": "Acme", "slug": "acme", "attributes": {
            "Task Source Name": ["Kinetic Request CE"], "Two": ["a", "b"],
            "Base URL": ["https://x.example/a b"]}},
        "kapp": {"name": "Services", "slug": "services", "attributes": {
            "Custom Form Workflow": ["Updated"]}},
        "form": {"name": "Laptop", "slug": "laptop", "type": "Service", "attributes": [
            {"name": "Custom Submission Workflow", "values": ["Submitted"]}]},
        "submission": {"id": "42", "coreState": "Submitted", "closedBy": null},
        "submissionPrevious": {"id": "42", "coreState": "Draft", "closedBy": null},
        "values": {"Status": "Open", "Kinds": ["a", "b"], "Quantity": 3, "name": "field",
            "length": "9", "Empty": null},
        "valuesPrevious": {"Status": "New", "Kinds": ["a", "b"]},
        "user": {"username": "bob", "invitedBy": null},
        "team": {"name": "Role::Employee"},
    }))
}

fn check(filter: &str, expect: impl Into<Value>) {
    let verdict = Filter::compile(filter)
        .and_then(|filter| filter.evaluate(&event()))
        .unwrap_or_else(|error| panic!("{filter}: {error}"));
    assert_eq!(verdict.value, expect.into(), "{filter}");
}

fn fails(filter: &str, kind: Kind, fragment: &str) -> (u32, u32) {
    let error =
        Filter::compile(filter).and_then(|filter| filter.evaluate(&event())).expect_err(filter);
    assert_eq!(error.kind, kind, "{filter}: {error}");
    assert!(error.message.contains(fragment), "{filter}: {error}");
    (error.line, error.column)
}

#[test]
fn documented_filters_hold() {
    check("kapp('attribute:Custom Form Workflow').indexOf('Created') === -1", json!(true));
    check("form('attribute:Custom Submission Workflow').indexOf('Submitted') > -1", json!(true));
    check("form('type') === \"Survey\"", json!(false));
    check("form('slug')===\"laptop\"", json!(true));
    check("team('name') === 'Role::Employee'", json!(true));
    check("!team('name').startsWith('Role::')", json!(false));
    check("user('invitedBy') === null", json!(true));
    check("values('Status') == 'Open'", json!(true));
    check("(function () { return values('Status') != 'Open'; })()", json!(false));
    let blank = Filter::compile(" \n ").unwrap();
    assert!(blank.is_blank() && blank.evaluate(&event()).unwrap().fires);
}

#[test]
fn bindings_are_callable_and_indexable() {
    for form in ["values('Status')", "values['Status']", "values.Status", "values(\"Status\")"] {
        check(form, json!("Open"));
    }
    check("values.name + values['length'] + values('name')", json!("field9field"));
    check("space.slug + '/' + space['name']", json!("acme/Acme"));
    check("values('Nope')", Value::Null);
    check("values('Nope', 'default') + values('Empty', '!')", json!("default!"));
    check("values('Kinds').includes('b') && values.Quantity === 3", json!(true));
    check("space('attribute:Two')", json!(["a", "b"]));
    check("space('attribute:Nope')", json!([]));
    check("identity('profileAttribute:Phone')[0]", json!("1"));
    check("identity('displayName', 'nobody')", json!("nobody"));
    check("'Status' in values && !('Nope' in values)", json!(true));
    check("Object.keys(values).length", json!(6));
    check("event('type') + ' ' + event.action", json!("Submission Updated"));
    check("submission('coreState')", json!("Submitted"));
}

#[test]
fn previous_state_is_within_reach() {
    check("previous('Status')", json!("New"));
    check("previous('values', 'Status')", json!("New"));
    check("valuesPrevious('Status')", json!("New"));
    check("submissionPrevious.coreState", json!("Draft"));
    check("changed('Status') && !changed('Kinds') && changed('coreState')", json!(true));
    check("changed('submission', 'closedBy')", json!(false));
    check("previous('team', 'name')", Value::Null);
}

#[test]
fn truth_is_javascripts() {
    for (text, fires) in [
        ("0", false),
        ("''", false),
        ("null", false),
        ("undefined", false),
        ("NaN", false),
        ("[]", true),
        ("'false'", true),
        ("({})", true),
        ("{}", true),
        ("0n", false),
    ] {
        let verdict = Filter::compile(text).unwrap().evaluate(&event()).unwrap();
        assert_eq!(verdict.fires, fires, "{text}");
    }
}

#[test]
fn statements_are_filters_too() {
    check("var status = values('Status'); status == 'Open'", json!(true));
    check("values('Status') == 'Open';", json!(true));
    check("if (values('Quantity') > 2) { true } else { false }", json!(true));
    check("// only when open\nvalues('Status') == 'Open' // yes", json!(true));
    check("let a = 1; a += 1; a", json!(2));
}

#[test]
fn mistakes_name_their_place() {
    assert_eq!(fails("values('A') ==", Kind::Syntax, "SyntaxError").0, 1);
    assert_eq!(fails("true &&\n  )", Kind::Syntax, "SyntaxError"), (2, 3));
    assert_eq!(fails("true &&\n  nope('x')", Kind::Thrown, "nope").0, 2);
    assert_eq!(fails("1 +\n\n  values('Nope').length", Kind::Thrown, "TypeError").0, 3);
    assert_eq!(fails("form('slugg')", Kind::Thrown, "form has name, slug, type").0, 1);
    assert_eq!(fails("var a = 1;\na.b.c", Kind::Thrown, "TypeError").0, 2);
    fails("file('name')", Kind::Thrown, "file() has no meaning for this event; it offers values");
    fails("throw new Error('no way')", Kind::Thrown, "no way");
    fails("throw 'text'", Kind::Thrown, "text");
    fails("1); (function () {})(", Kind::Syntax, "SyntaxError");
    fails("1); }); (function () { return (2", Kind::Syntax, "SyntaxError");
    fails("a\0b", Kind::Syntax, "NUL");
}

#[test]
fn the_frozen_language_is_whole() {
    check("new Date(0).toISOString()", json!("1970-01-01T00:00:00.000Z"));
    check("[3, 1, 2].sort().map(x => x * 2).join()", json!("2,4,6"));
    check("JSON.parse(JSON.stringify({a: [1, null]})).a[0]", json!(1));
    check("const m = new Map([['a', 1]]); m.set('b', 2); [...m.keys()].join('')", json!("ab"));
    check("new Set([1, 1, 2]).size", json!(2));
    check("const r = /(\\d)/g; r.exec('a1b2'); r.lastIndex", json!(2));
    check("'2024-05-06'.replace(/-/g, '/').padStart(12, '*')", json!("**2024/05/06"));
    check("const {a, ...rest} = {a: 1, b: 2}; const [x, y = 3] = [1]; rest.b + x + y", json!(6));
    check("null?.x ?? `t${1 + 1}`", json!("t2"));
    check(
        "class A { #p = 1; get p() { return this.#p } static s() { return 2 } } new A().p + A.s()",
        json!(3),
    );
    check("function F() { this.x = 1; } F.prototype.y = 2; new F().x + new F().y", json!(3));
    check("function* g() { yield 1; yield 2; } [...g()].length", json!(2));
    check("try { null.x } catch (e) { e.name }", json!("TypeError"));
    check("var o = {}; o.valueOf = () => 5; o + 1", json!(6));
    check("var e = new Error('a'); e.name = 'Mine'; String(e)", json!("Mine: a"));
    check("Object.assign({}, {a: 1}).a + Object.entries({b: 2})[0][1]", json!(3));
    check("isNaN(parseInt('x')) && Number.isInteger(5)", json!(true));
    check("encodeURIComponent('a b') + decodeURIComponent('%20')", json!("a%20b "));
    check("values('Kinds').concat(['c']).filter(k => k !== 'a').length", json!(2));
    check("values('Kinds').push('z') + values('Kinds').length", json!(5));
    check("new Date(submission('createdAt', '2024-01-01')) < new Date()", json!(true));
}

#[test]
fn evaluations_share_no_state() {
    for leak in [
        "globalThis.leak = 1",
        "leak = 1",
        "Object.prototype.leak = 1",
        "Array.prototype.push = null",
        "Math.max = null",
        "values.leak = 1",
        "delete globalThis.values",
        "(values.constructor = 1)",
        "Object.defineProperty(Function.prototype, 'leak', {value: 1})",
        "Object.prototype.toString = null",
        "Error.prototype.message = 'x'",
        "[][Symbol.iterator]().__proto__.next = null",
    ] {
        fails(leak, Kind::Thrown, "");
        let traces = "typeof globalThis.leak + typeof values.leak + typeof ({}).leak";
        check(traces, json!("undefinedobjectundefined"));
        check("[...[1, 2]].length + Math.max(1, 2)", json!(4));
    }
    check("values('Kinds').push('c'), values('Kinds').length", json!(2));
    check("Promise.resolve(1).then(() => 2), 3", json!(3));
    check("var e = {}; e.toString = function () { return 'mine'; }; '' + e", json!("mine"));
    check(
        "class E extends Error { constructor() { super(); this.message = 'm'; } } new E().message",
        json!("m"),
    );
    check("typeof require + typeof process + typeof fetch", json!("undefinedundefinedundefined"));
}

#[test]
fn bombs_end_within_limits_and_do_no_harm() {
    let bombs = [
        "while (true) {}",
        "for (;;) { try { while (true) {} } catch (e) {} }",
        "(function f() { return f(); })()",
        "var a = []; while (true) a.push(new Array(10000).fill('x'));",
        "'x'.repeat(1 << 29)",
        "/(a+)+$/.test('a'.repeat(40) + 'b')",
        "JSON.parse('['.repeat(200000))",
        "var s = 'x'; while (true) s += s;",
    ];
    for bomb in bombs {
        let error = Filter::compile(bomb).unwrap().evaluate(&event()).expect_err(bomb);
        assert!(matches!(error.kind, Kind::Limit | Kind::Thrown), "{bomb}: {error}");
        check("values('Status')", json!("Open"));
    }
    let deep = format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000));
    assert!(Filter::compile(&deep).is_err());
    assert_eq!(Filter::compile(&"1+".repeat(1 << 20)).unwrap_err().kind, Kind::Limit);
    check("1 + 1", json!(2));
}

#[test]
fn more_filters_than_the_cache_holds() {
    for number in 0..expr::limits::JS_PROGRAMS_MAX + 10 {
        check(&format!("{number} + 1"), json!(number + 1));
    }
}

#[test]
fn compiled_texts_may_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync>() {}
    shared::<Filter>();
    shared::<Template>();
    shared::<Bindings>();
    shared::<expr::ruby::Condition>();
    shared::<expr::ruby::Erb>();
}

#[test]
fn filters_work_on_many_threads() {
    let filter = Filter::compile("values('Status') == 'Open'").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let filter = filter.clone();
            scope.spawn(move || {
                for _ in 0..100 {
                    assert!(filter.evaluate(&event()).unwrap().fires);
                }
            });
        }
    });
}

fn url(template: &str, expect: &str) {
    let rendered = Template::compile(template)
        .and_then(|template| template.render_url(&event()))
        .unwrap_or_else(|error| panic!("{template}: {error}"));
    assert_eq!(rendered, expect, "{template}");
}

#[test]
fn urls_are_filled_in() {
    let base = "/app/api/v1/run-tree/${space('attribute:Task Source Name')}";
    let filled = "/app/api/v1/run-tree/Kinetic%20Request%20CE";
    url(&format!("{base}/Users/Created"), &format!("{filled}/Users/Created"));
    url(
        &format!("{base}/Submissions%20%3E%20${{kapp('slug')}}%20%3E%20${{form('slug')}}/Created"),
        &format!("{filled}/Submissions%20%3E%20services%20%3E%20laptop/Created"),
    );
    url("https://x.example/a?b=${'ä/&'}", "https://x.example/a?b=%C3%A4%2F%26");
    url("/${space('attribute:Two')}", "/a%2Cb");
    url("/${values.Kinds.map(function (k) { return '}' + k; }).join('')}", "/%7Da%7Db");
    url("${space('attribute:Base URL')}/b", "https://x.example/a%20b/b");
    url("/plain/$5/{a}", "/plain/$5/{a}");
    let error = Template::compile("/a/${values('Nope')}/b").unwrap().render_url(&event());
    let error = error.unwrap_err();
    assert_eq!((error.kind, error.column), (Kind::Empty, 6));
    assert!(error.message.contains("${values('Nope')}"), "{error}");
    let error = Template::compile("/a/${space('attribute:Nope')}").unwrap().render_url(&event());
    assert_eq!(error.unwrap_err().kind, Kind::Empty);
}

#[test]
fn labels_are_filled_in() {
    let label = |text: &str| Template::compile(text).unwrap().render(&event()).unwrap();
    assert_eq!(label("${values('Status')}: ${values('Nope')}!"), "Open: !");
    assert_eq!(label("${values('Kinds')} ${1.5} ${({a: 1})} ${true}"), "a,b 1.5 {\"a\":1} true");
    assert_eq!(label("ä ${`${values('Status')}`} ö"), "ä Open ö");
}

#[test]
fn template_mistakes_name_their_place() {
    let place = |text: &str| {
        let error = Template::compile(text).expect_err(text);
        assert_eq!(error.kind, Kind::Syntax, "{text}");
        (error.line, error.column)
    };
    assert_eq!(place("/a/${values('x'"), (1, 6));
    assert_eq!(place("/a/${ }"), (1, 6));
    assert_eq!(place("a\n/b/${1 +}").0, 2);
    assert_eq!(place("/a/${)}"), (1, 6));
}
