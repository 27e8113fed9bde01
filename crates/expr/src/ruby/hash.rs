//! Hashes: insertion-ordered, with any value as key; lazy over JSON that nothing has changed yet.

use std::cell::{Ref, RefCell, RefMut};

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::value::Value;

/// What makes two keys one (`eql?`), detached from the values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Nil,
    Bool(bool),
    Int(i64),
    Float(u64),
    Rational(i64, i64),
    Str(String),
    Sym(String),
    List(Vec<Key>),
    Pairs(Vec<(Key, Key)>),
    Instant(i128, bool),
    Date(jiff::civil::Date),
    Class(&'static str),
    /// Anything else is its own key.
    Object(usize),
}

impl Key {
    /// Returns the key of a value.
    pub(crate) fn of(value: &Value<'_>) -> Key {
        match value {
            Value::Nil => Key::Nil,
            Value::Bool(value) => Key::Bool(*value),
            Value::Int(value) => Key::Int(*value),
            Value::Float(value) => Key::Float(value.to_bits()),
            Value::Rational(top, bottom) => Key::Rational(*top, *bottom),
            Value::Str(text) => Key::Str(text.borrow().clone()),
            Value::Sym(name) => Key::Sym(name.to_string()),
            Value::Array(items) => Key::List(items.borrow().iter().map(Key::of).collect()),
            Value::Hash(hash) => Key::Pairs(
                hash.pairs().iter().map(|(key, value)| (Key::of(key), Key::of(value))).collect(),
            ),
            Value::Time(time) => {
                Key::Instant(time.zoned.timestamp().as_nanosecond(), time.datetime)
            }
            Value::Date(date) => Key::Date(*date),
            Value::Class(name) => Key::Class(name),
            Value::Range(range) => Key::List(vec![Key::of(&range.from), Key::of(&range.to)]),
            Value::Regex(regex) => Key::Str(regex.embedded()),
            Value::Match(it) => Key::Object(std::rc::Rc::as_ptr(it).addr()),
            Value::Proc(it) => Key::Object(std::rc::Rc::as_ptr(it).addr()),
            Value::Enumerator(it) => Key::Object(std::rc::Rc::as_ptr(it).addr()),
            Value::Exception(it) => Key::Object(std::rc::Rc::as_ptr(it).addr()),
            Value::Zone(it) => Key::Object(std::rc::Rc::as_ptr(it).addr()),
            Value::Main => Key::Object(0),
        }
    }
}

type Entries<'a> = IndexMap<Key, (Value<'a>, Value<'a>)>;

enum Data<'a> {
    /// Untouched JSON, and the values that were handed out, which keep their identity.
    Lazy {
        json: &'a Map<String, Json>,
        touched: Vec<(&'a str, Value<'a>)>,
    },
    Own(Entries<'a>),
}

/// What a missing key gives.
#[derive(Clone)]
pub(crate) enum Default<'a> {
    Nil,
    Value(Value<'a>),
    Proc(std::rc::Rc<super::value::Proc<'a>>),
}

/// A hash.
pub(crate) struct Hash<'a> {
    data: RefCell<Data<'a>>,
    pub(crate) default: RefCell<Default<'a>>,
    /// Whether `[]` raises on a missing key, as the context's own hashes do.
    pub(crate) strict: bool,
}

impl<'a> Hash<'a> {
    /// Returns an empty hash.
    pub(crate) fn new() -> Hash<'a> {
        Hash::from_entries(IndexMap::new())
    }

    fn from_entries(entries: Entries<'a>) -> Hash<'a> {
        let data = RefCell::new(Data::Own(entries));
        Hash { data, default: RefCell::new(Default::Nil), strict: false }
    }

    /// Returns a hash over JSON.
    pub(crate) fn lazy(json: &'a Map<String, Json>, strict: bool) -> Hash<'a> {
        let data = RefCell::new(Data::Lazy { json, touched: Vec::new() });
        Hash { data, default: RefCell::new(Default::Nil), strict }
    }

    /// Returns a hash of pairs; a later pair replaces the value of an earlier one.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (Value<'a>, Value<'a>)>) -> Hash<'a> {
        let hash = Hash::new();
        for (key, value) in pairs {
            hash.insert(key, value);
        }
        hash
    }

    /// Looks a key up.
    pub(crate) fn get(&self, key: &Value<'a>) -> Option<Value<'a>> {
        let mut data = self.data.borrow_mut();
        match &mut *data {
            Data::Own(entries) => entries.get(&Key::of(key)).map(|(_, value)| value.clone()),
            Data::Lazy { json, touched } => {
                let Value::Str(text) = key else { return None };
                let text = text.borrow();
                if let Some((_, value)) = touched.iter().find(|(known, _)| *known == text.as_str())
                {
                    return Some(value.clone());
                }
                let (known, value) = json.get_key_value(text.as_str())?;
                let value = Value::json(value, self.strict);
                if value.holds_values() || matches!(value, Value::Str(_)) {
                    touched.push((known, value.clone()));
                }
                Some(value)
            }
        }
    }

    pub(crate) fn contains(&self, key: &Value<'a>) -> bool {
        match &*self.data.borrow() {
            Data::Own(entries) => entries.contains_key(&Key::of(key)),
            Data::Lazy { json, .. } => match key {
                Value::Str(text) => json.contains_key(text.borrow().as_str()),
                _ => false,
            },
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &*self.data.borrow() {
            Data::Own(entries) => entries.len(),
            Data::Lazy { json, .. } => json.len(),
        }
    }

    /// Sets a key; a string key is copied, so that changing it later does no harm.
    pub(crate) fn insert(&self, key: Value<'a>, value: Value<'a>) {
        let id = Key::of(&key);
        let key = match &key {
            Value::Str(text) => Value::text(text.borrow().as_str()),
            _ => key,
        };
        let mut entries = self.entries_mut();
        match entries.get_mut(&id) {
            Some(entry) => entry.1 = value,
            None => {
                entries.insert(id, (key, value));
            }
        }
    }

    pub(crate) fn remove(&self, key: &Value<'a>) -> Option<Value<'a>> {
        self.entries_mut().shift_remove(&Key::of(key)).map(|(_, value)| value)
    }

    pub(crate) fn clear(&self) {
        self.entries_mut().clear();
        *self.default.borrow_mut() = Default::Nil;
    }

    /// Replaces all pairs.
    pub(crate) fn replace(&self, pairs: Vec<(Value<'a>, Value<'a>)>) {
        let fresh = Hash::of(pairs);
        let entries = std::mem::take(&mut *fresh.entries_mut());
        *self.entries_mut() = entries;
    }

    /// Returns all pairs in order.
    pub(crate) fn pairs(&self) -> Vec<(Value<'a>, Value<'a>)> {
        self.entries().values().cloned().collect()
    }

    pub(crate) fn keys(&self) -> Vec<Value<'a>> {
        self.entries().values().map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn values(&self) -> Vec<Value<'a>> {
        self.entries().values().map(|(_, value)| value.clone()).collect()
    }

    fn entries(&self) -> Ref<'_, Entries<'a>> {
        drop(self.entries_mut());
        Ref::map(self.data.borrow(), |data| match data {
            Data::Own(entries) => entries,
            Data::Lazy { .. } => unreachable!("the line above converted it"),
        })
    }

    /// Converts lazy data, one level deep, and returns the entries.
    fn entries_mut(&self) -> RefMut<'_, Entries<'a>> {
        let mut data = self.data.borrow_mut();
        if let Data::Lazy { json, touched } = &mut *data {
            let mut entries = IndexMap::with_capacity(json.len());
            for (key, value) in json.iter() {
                let known = touched.iter().find(|(name, _)| name == key);
                let value = match known {
                    Some((_, value)) => value.clone(),
                    None => Value::json(value, self.strict),
                };
                entries.insert(Key::Str(key.clone()), (Value::text(key.as_str()), value));
            }
            *data = Data::Own(entries);
        }
        RefMut::map(data, |data| match data {
            Data::Own(entries) => entries,
            Data::Lazy { .. } => unreachable!("the lines above converted it"),
        })
    }
}
