//! Ruby conditions and ERB templates: the context, places of mistakes, limits.

use expr::ruby::{Condition, Context, Erb, Error, Problems};
use model::time::Micros;
use serde_json::{Value, json};

fn variables() -> Value {
    json!({
        "results": {
            "Look Up": {"Status": "Open", "Count": "3", "Body": "{\"a\":{\"b\":[1,2]}}"},
            "Loop": {"0": {"x": "1"}, "1": {"x": "2"}},
        },
        "values": {"Name": "Ann", "Kinds": ["a", "b"], "Empty": null},
        "task": {"Deferral Token": "abc"},
    })
}

fn render(template: &str) -> Result<String, Error> {
    let erb = Erb::compile(template).unwrap_or_else(|problems| panic!("{template}: {problems}"));
    let variables = variables();
    erb.render(&Context::new(&variables, Micros(1_700_000_000_123_456)))
}

fn check(template: &str, expect: &str) {
    assert_eq!(render(template).as_deref(), Ok(expect), "{template}");
}

fn raises(template: &str, class: &str, fragment: &str) -> (u32, u32) {
    let error = render(template).expect_err(template);
    assert_eq!(error.class, class, "{template}: {error}");
    assert!(error.message.contains(fragment), "{template}: {error}");
    (error.line, error.column)
}

#[test]
fn tags_of_all_kinds_render() {
    check("plain", "plain");
    check("a<%= 1 + 1 %>b", "a2b");
    check("<%# comment %>x<%#-%>\ny", "xy");
    check("<%% not a tag %>", "<% not a tag %>");
    check("<% if true %>yes<% else %>no<% end %>!", "yes!");
    check("<% [1, 2].each do |x| %><%= x %>;<% end %>", "1;2;");
    check("a\n<%- x = 1 -%>\nb<%= x -%>\nc", "a\nb1c");
    check("<%= '%%>' %>", "%>");
    check("<%= @values['Name'] # who\n%>", "Ann");
    check("<%= <<~TEXT\n  a\n  b\nTEXT\n%>|", "a\nb\n|");
    check("<%\n  a = 1\n  b = 2\n%><%= a + b %>", "3");
    check("<%= nil %>|<%= :sym %>|<%= 1.0 %>|<%= [1, nil] %>", "|sym|1.0|[1, nil]");
    check("<%= %>", "");
    check("ä<%= 'ö' %>ü", "äöü");
}

#[test]
fn the_context_is_strict_about_missing_keys() {
    check("<%= @results['Look Up']['Status'] %>", "Open");
    check("<%= @task['Deferral Token'] %>", "abc");
    raises(
        "<%= @values['Nope'] %>",
        "IndexError",
        "Unable to retrieve hash value for key \"Nope\"",
    );
    raises("<%= @results['Look Up']['No'] %>", "IndexError", "for key \"No\"");
    raises("<%= @results['No']['X'] %>", "IndexError", "for key \"No\"");
    check("<%= @values.fetch('Nope', 'd') %>", "d");
    check("<%= @values.has_key?('Nope') || @values.key?('Name') %>", "true");
    check("<%= @values.dig('Nope', 'x').inspect %>", "nil");
    check("<%= @values['Empty'].nil? %>", "true");
    check("<%= @nothing.nil? %>", "true");
    check(
        "<%= begin; @values['Nope']; rescue IndexError => e; e.message; end %>",
        "Unable to retrieve hash value for key \"Nope\"",
    );
    check("<%= @values['Nope'] rescue 'none' %>", "none");
    check("<%= JSON.parse(@results['Look Up']['Body'])['zz'].inspect %>", "nil");
    check("<%= @results['Loop'].values.map { |r| r['x'].to_i }.sum %>", "3");
}

#[test]
fn what_a_template_changes_it_sees() {
    check("<% @values['Name'] << '!' %><%= @values['Name'] %>", "Ann!");
    check("<% @values['New'] = 1 %><%= @values['New'] + 1 %>", "2");
    check(
        "<% @results['Look Up']['Status'] = 'x' %><%= @results['Look Up'].to_json %>",
        "{\"Status\":\"x\",\"Count\":\"3\",\"Body\":\"{\\\"a\\\":{\\\"b\\\":[1,2]}}\"}",
    );
    check("<%= @values.merge('z' => 1).keys.join(',') %>", "Name,Kinds,Empty,z");
}

#[test]
fn conditions_fire_unless_false_or_nil() {
    let variables = variables();
    let context = Context::new(&variables, Micros(0));
    let fires = |text: &str| {
        let condition = Condition::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        condition.evaluate(&context).unwrap_or_else(|error| panic!("{text}: {error}")).fires
    };
    assert!(fires(""));
    assert!(fires("!@results['Look Up']['Status'].to_s.empty?"));
    assert!(fires("@results['Look Up']['Count'].to_i == 3"));
    assert!(fires("0"));
    assert!(fires("''"));
    assert!(!fires("nil"));
    assert!(!fires("@values['Name'] == 'Bob'"));
    assert!(fires("@values['Kinds'].include?('a') and not @values['Empty']"));
    let shown = Condition::compile("{'a' => [1, :b]}").unwrap().evaluate(&context).unwrap();
    assert_eq!(shown.value, "{\"a\"=>[1, :b]}");
}

#[test]
fn errors_name_their_place_in_the_template() {
    assert_eq!(raises("<%= @values['Nope'] %>", "IndexError", ""), (1, 5));
    assert_eq!(raises("a\n ä <%= nil.length rescue nil.size %>", "NoMethodError", "").0, 2);
    assert_eq!(raises("x\n<% y = 1 %>\n  <%= y + nil %>", "TypeError", "nil can't be"), (3, 7));
    raises("<%= nil.upcase %>", "NoMethodError", "undefined method `upcase' for nil:NilClass");
    raises("<%= raise ArgumentError, 'no' %>", "ArgumentError", "no");
    raises("<%= raise 'plain' %>", "RuntimeError", "plain");
    raises("<%= 1 / 0 %>", "ZeroDivisionError", "divided by 0");
    raises("<%= JSON.parse('{') %>", "JSON::ParserError", "");
    raises("<%= 9223372036854775807 + 1 %>", "RangeError", "64 bits");
}

#[test]
fn look_ups_by_literal_keys_are_listed_with_their_places() {
    let check = |template: &str, expect: &[(&str, &str, u32, u32)]| {
        let found = Erb::compile(template).unwrap().lookups();
        let found: Vec<_> = found
            .iter()
            .map(|l| (l.variable.as_str(), l.keys.join("/"), l.line, l.column))
            .collect();
        let expect: Vec<_> = expect.iter().map(|e| (e.0, e.1.to_owned(), e.2, e.3)).collect();
        assert_eq!(found, expect, "{template}");
    };
    check("plain", &[]);
    check("<%= @results['A']['b'].to_s %>", &[("results", "A/b", 1, 5)]);
    check(
        "x\n <% [1].each do |i| %><%= \"#{@values['N']}\" + JSON.parse(@results['A']['b'])['c'] \
         %><% end %>",
        &[("values", "N", 2, 30), ("results", "A/b", 2, 58)],
    );
    check("<%= @results['A'] rescue @values['B'] %>", &[("values", "B", 1, 26)]);
    check("<%= @results['A'].dig('x') if @results.key?('A') %>", &[("results", "A", 1, 5)]);
    check("<% def f(x = @inputs['D']) x end %><%= f %>", &[("inputs", "D", 1, 14)]);
    check("<%= @results[@values['K']] %>", &[("values", "K", 1, 14)]);
    check("<% @values['K'] = @values['L'] %>", &[("values", "L", 1, 19)]);
    let found = Condition::compile("!@results['A']['b'].empty?").unwrap().lookups();
    assert_eq!(found[0].keys, ["A", "b"]);
}

fn problems(text: &str) -> Problems {
    Erb::compile(text).expect_err(text)
}

#[test]
fn what_is_not_supported_is_found_at_compile_time() {
    let check = |template: &str, line: u32, column: u32, fragment: &str| {
        let problems = problems(template);
        let first = problems.0.first().unwrap();
        assert!(first.message.contains(fragment), "{template}: {problems}");
        assert_eq!((first.line, first.column), (line, column), "{template}: {problems}");
    };
    check("<%= 1 + %>", 1, 9, "syntax error");
    check("a\n<% if 1 %>", 2, 4, "");
    check("x <%= y", 1, 3, "no %>");
    check("<%= foo %>", 1, 5, "`foo` is neither a variable nor a method");
    check("\n<%= 'a'.frobnicate %>", 2, 9, "the method `frobnicate` is not supported");
    check("<% class A; end %>", 1, 4, "a class definition");
    check("<%= `ls` %>", 1, 5, "a shell command");
    check("<%= File.read('/etc/passwd') %>", 1, 5, "the constant File");
    check("<%= system('ls') %>", 1, 5, "`system` is not supported");
    check("<%= $stdout %>", 1, 5, "a global variable");
    check("<%= case 1; in Integer; 1; end %>", 1, 5, "pattern matching");
    check("<%= eval('1') %>", 1, 5, "`eval` is not supported");
    check("<%= 99999999999999999999 %>", 1, 5, "beyond 64 bits");
    let many = problems("<%= foo %>\n<%= 'a'.bar(baz) %>");
    assert_eq!(many.0.len(), 3, "{many}");
}

fn limited(template: &str) {
    let erb = match Erb::compile(template) {
        Ok(erb) => erb,
        Err(_) => return,
    };
    let variables = variables();
    let error = erb.render(&Context::new(&variables, Micros(0))).expect_err(template);
    let known = ["LimitError", "SystemStackError", "RangeError", "ArgumentError"];
    assert!(known.contains(&error.class.as_str()), "{template}: {error}");
}

#[test]
fn endless_loops_end() {
    limited("<% while true; end %>");
    limited("<% loop { } %>");
    limited("<% begin; loop { }; rescue Exception; retry; end %>");
}

#[test]
fn endless_recursion_ends() {
    limited("<% def f(x) f(x + 1) end %><%= f(0) %>");
    limited("<% f = ->(x) { f.(x) } %><%= f.(0) %>");
    limited("<% h = Hash.new { |h, k| h[k + 1] } %><%= h[1] %>");
}

#[test]
fn growing_values_end() {
    limited("<% a = 'x'; while true; a = a + a; end %>");
    limited("<% a = 'x'; while true; a << a; end %>");
    limited("<% a = []; loop { a << 'x' * 1000 } %>");
    limited("<% a = [1]; loop { a = a + a } %>");
    limited("<% a = []; a << a; a.flatten; loop { a.inspect } %>");
    limited("<% h = {}; h['h'] = h; loop { h.to_s } %>");
    limited("<% x = 10; 200.times { x = x * x } %>");
    limited("<% loop do %>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx<% end %>");
}

#[test]
fn huge_values_are_refused_before_they_are_made() {
    limited("<%= 'x' * 10_000_000_000 %>");
    limited("<%= [0] * 10_000_000_000 %>");
    limited("<%= (1..10_000_000_000).to_a.size %>");
    limited("<%= Array.new(10_000_000_000) %>");
    limited("<%= 'a'.ljust(10_000_000_000) %>");
    limited("<%= '%10000000000d' % 1 %>");
    limited("<%= [1, 2] .product((1..9_000_000).to_a).size %>");
}

#[test]
fn a_regular_expression_that_backtracks_ends() {
    limited("<%= ('a' * 5000) =~ /(?=(a+)+$)(?!a)b/ %><%= ('a' * 50) =~ /(?:(a+)+)+\\1c/ %>");
}

#[test]
fn hostile_sources_end() {
    limited(&format!("<%= {}1{} %>", "(".repeat(50_000), ")".repeat(50_000)));
    limited(&format!("<%= {}1 %>", "!".repeat(100_000)));
    limited(&format!("<%= {}1{} %>", "[".repeat(9_000), "]".repeat(9_000)));
    limited(&format!("<%= {}x %>", "x = ".repeat(20_000)));
    limited(&format!("<%= 1{} %>", " + 1".repeat(50_000)));
    limited(&format!("<%= {}1{} %>", "if 1 then ".repeat(9_000), " end".repeat(9_000)));
    limited(&format!("<%= {}1{} %>", "\"#{".repeat(5_000), "}\"".repeat(5_000)));
    for unit in ["not ", "- ", "!(", "-> { ", "a ? ", "f do ", "->(a = ", "begin ", "a..", "{1=>"] {
        assert!(Condition::compile(&unit.repeat(8_000)).is_err(), "{unit}");
    }
    assert!(Erb::compile(&"<%= 1 %>".repeat(1 << 18)).is_err());
    let text = "text ".repeat(200_000);
    assert!(Erb::compile(&text).unwrap().is_literal());
}

#[test]
fn deep_but_sane_programs_run() {
    check(&format!("<%= 1{} %>", " + 1".repeat(200)), "201");
    check(&format!("<%= {}1{} %>", "(".repeat(300), ")".repeat(300)), "1");
    check("<% def f(n) n == 0 ? 0 : 1 + f(n - 1) end %><%= f(50) %>", "50");
}

#[test]
fn the_clock_and_the_seed_come_from_outside() {
    check("<%= Time.now.utc.iso8601 %>", "2023-11-14T22:13:20Z");
    check("<%= Date.today %>", "2023-11-14");
    check("<%= DateTime.now.strftime('%Y') %>", "2023");
    let variables = json!({});
    let mut context = Context::new(&variables, Micros(1_700_000_000_000_000));
    context.timezone = "Europe/Berlin";
    let erb = Erb::compile("<%= Time.now.iso8601 %> <%= Time.now.zone %>").unwrap();
    assert_eq!(erb.render(&context).unwrap(), "2023-11-14T23:13:20+01:00 CET");
    let zone = "TZInfo::Timezone.get('America/Chicago')";
    check(&format!("<%= {zone}.to_local(Time.now.utc).iso8601 %>"), "2023-11-14T16:13:20-06:00");
    check(&format!("<%= {zone}.utc_to_local(Time.at(0)).zone %>"), "CST");
    raises("<%= TZInfo::Timezone.get('Nowhere') %>", "ArgumentError", "Nowhere");
    let erb = Erb::compile("<%= SecureRandom.uuid %>").unwrap();
    let first = erb.render(&context).unwrap();
    assert_eq!(first, erb.render(&context).unwrap());
    context.seed += 1;
    assert_ne!(first, erb.render(&context).unwrap());
    assert_eq!(first.len(), 36);
    let other = context.with_seed(&["token", "parameter"]);
    assert_ne!(other.seed, context.with_seed(&["tokenp", "arameter"]).seed);
    assert_eq!(other.seed, context.with_seed(&["token", "parameter"]).seed);
}
