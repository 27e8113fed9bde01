//! The classes, modules and number constants that the engine knows, and how classes descend.

use super::value::Value;

/// Every known class or module and its superclass; modules have none.
const CLASSES: &[(&str, &str)] = &[
    ("BasicObject", ""),
    ("Object", "BasicObject"),
    ("Kernel", ""),
    ("Comparable", ""),
    ("Enumerable", ""),
    ("Class", "Module"),
    ("Module", "Object"),
    ("NilClass", "Object"),
    ("TrueClass", "Object"),
    ("FalseClass", "Object"),
    ("Numeric", "Object"),
    ("Integer", "Numeric"),
    ("Fixnum", "Integer"),
    ("Float", "Numeric"),
    ("Rational", "Numeric"),
    ("String", "Object"),
    ("Symbol", "Object"),
    ("Array", "Object"),
    ("Hash", "Object"),
    ("Range", "Object"),
    ("Regexp", "Object"),
    ("MatchData", "Object"),
    ("Proc", "Object"),
    ("Enumerator", "Object"),
    ("Time", "Object"),
    ("Date", "Object"),
    ("DateTime", "Date"),
    ("Struct", "Object"),
    ("Math", ""),
    ("JSON", ""),
    ("ERB", "Object"),
    ("ERB::Util", ""),
    ("CGI", "Object"),
    ("URI", ""),
    ("Base64", ""),
    ("Digest", ""),
    ("Digest::MD5", "Object"),
    ("Digest::SHA1", "Object"),
    ("Digest::SHA2", "Object"),
    ("Digest::SHA256", "Object"),
    ("SecureRandom", ""),
    ("TZInfo", ""),
    ("TZInfo::Timezone", "Object"),
    ("Exception", "Object"),
    ("NoMemoryError", "Exception"),
    ("ScriptError", "Exception"),
    ("NotImplementedError", "ScriptError"),
    ("SystemStackError", "Exception"),
    ("SystemExit", "Exception"),
    ("StandardError", "Exception"),
    ("ArgumentError", "StandardError"),
    ("UncaughtThrowError", "ArgumentError"),
    ("Date::Error", "ArgumentError"),
    ("EncodingError", "StandardError"),
    ("FiberError", "StandardError"),
    ("IOError", "StandardError"),
    ("IndexError", "StandardError"),
    ("KeyError", "IndexError"),
    ("StopIteration", "IndexError"),
    ("LocalJumpError", "StandardError"),
    ("NameError", "StandardError"),
    ("NoMethodError", "NameError"),
    ("RangeError", "StandardError"),
    ("FloatDomainError", "RangeError"),
    ("RegexpError", "StandardError"),
    ("RuntimeError", "StandardError"),
    ("FrozenError", "RuntimeError"),
    ("SecurityError", "Exception"),
    ("SystemCallError", "StandardError"),
    ("ThreadError", "StandardError"),
    ("TypeError", "StandardError"),
    ("ZeroDivisionError", "StandardError"),
    ("JSON::JSONError", "StandardError"),
    ("JSON::ParserError", "JSON::JSONError"),
    ("JSON::GeneratorError", "JSON::JSONError"),
    ("URI::Error", "StandardError"),
    ("URI::InvalidURIError", "URI::Error"),
];

/// Returns the known class of that name.
pub(crate) fn class(path: &str) -> Option<&'static str> {
    let path = match path {
        "Bignum" => "Integer",
        "Fixnum" => "Integer",
        path => path,
    };
    CLASSES.iter().map(|(name, _)| *name).find(|name| *name == path)
}

/// Returns the superclass of a known class; `None` for modules and the root.
pub(crate) fn superclass(class: &str) -> Option<&'static str> {
    let (_, parent) = CLASSES.iter().find(|(name, _)| *name == class)?;
    (!parent.is_empty()).then_some(parent)
}

/// Tells whether a known name is a module.
pub(crate) fn is_module(class: &str) -> bool {
    superclass(class).is_none() && class != "BasicObject"
}

/// Tells whether a class is another one or descends from it, or includes that module.
pub(crate) fn descends(class: &str, from: &str) -> bool {
    let mut current = class;
    loop {
        if current == from {
            return true;
        }
        match superclass(current) {
            Some(parent) => current = parent,
            None => break,
        }
    }
    match from {
        "Kernel" => class != "BasicObject",
        "Comparable" => {
            ["String", "Numeric", "Time", "Date"].iter().any(|known| descends(class, known))
        }
        "Enumerable" => matches!(class, "Array" | "Hash" | "Range" | "Enumerator" | "Struct"),
        _ => false,
    }
}

/// Returns the value of a known constant that is not a class.
pub(crate) fn value<'a>(path: &str) -> Option<Value<'a>> {
    Some(match path {
        "Float::INFINITY" => Value::Float(f64::INFINITY),
        "Float::NAN" => Value::Float(f64::NAN),
        "Float::MAX" => Value::Float(f64::MAX),
        "Float::MIN" => Value::Float(f64::MIN_POSITIVE),
        "Float::EPSILON" => Value::Float(f64::EPSILON),
        "Math::PI" => Value::Float(std::f64::consts::PI),
        "Math::E" => Value::Float(std::f64::consts::E),
        "Regexp::IGNORECASE" => Value::Int(1),
        "Regexp::EXTENDED" => Value::Int(2),
        "Regexp::MULTILINE" => Value::Int(4),
        "RUBY_VERSION" => Value::text("3.1.2"),
        "Date::MONTHNAMES" => names(super::methods::time::MONTHS, true),
        "Date::DAYNAMES" => names(super::methods::time::DAYS, false),
        "Date::ABBR_MONTHNAMES" => short_names(super::methods::time::MONTHS, true),
        "Date::ABBR_DAYNAMES" => short_names(super::methods::time::DAYS, false),
        _ => return None,
    })
}

fn names<'a>(list: &[&str], from_one: bool) -> Value<'a> {
    let first = from_one.then_some(Value::Nil);
    Value::array(first.into_iter().chain(list.iter().map(|name| Value::text(*name))).collect())
}

fn short_names<'a>(list: &[&str], from_one: bool) -> Value<'a> {
    let short: Vec<&str> = list.iter().filter_map(|name| name.get(..3)).collect();
    names(&short, from_one)
}
