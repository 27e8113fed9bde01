// Runs once in each new realm: defines the binding functions, then freezes the whole realm, so that
// nothing an expression does can be seen by the next one. `lookup`, `keys`, `previous` and `changed`
// are native; `names` is the list of binding functions. Not user code: its file name is "kapok".
(function (lookup, keys, previous, changed, names) {
  "use strict";
  const quiet = new Set(["toJSON", "then", "toString", "valueOf", "constructor", "prototype"]);
  const refuse = () => {
    throw new TypeError("the bindings of an event cannot be changed");
  };
  const bind = (entity) => {
    const read = (property, fallback) => {
      const value = lookup(entity, property === undefined ? "" : String(property));
      const absent = value === null || value === undefined;
      return absent && fallback !== undefined ? fallback : value;
    };
    return new Proxy(read, {
      get(_, key) {
        if (typeof key === "symbol" || (quiet.has(key) && !keys(entity).includes(key))) {
          return undefined;
        }
        return lookup(entity, key);
      },
      has: (_, key) => typeof key === "string" && keys(entity).includes(key),
      ownKeys: () => keys(entity),
      getOwnPropertyDescriptor(_, key) {
        if (typeof key !== "string" || !keys(entity).includes(key)) return undefined;
        return { value: lookup(entity, key), configurable: true, enumerable: true, writable: false };
      },
      apply: (_, __, args) => read(args[0], args[1]),
      set: refuse,
      defineProperty: refuse,
      deleteProperty: refuse,
      setPrototypeOf: refuse,
      preventExtensions: refuse,
    });
  };
  for (const name of names) {
    globalThis[name] = bind(name);
  }
  globalThis.previous = (a, b) => (b === undefined ? previous("", String(a)) : previous(String(a), String(b)));
  globalThis.changed = (a, b) => (b === undefined ? changed("", String(a)) : changed(String(a), String(b)));

  // A frozen data property cannot be overridden by assignment in an heir, which scripts (and the
  // host, for an error's message) do; as an accessor it can.
  const errors = Reflect.ownKeys(globalThis).filter((key) => /Error$/.test(String(key)));
  for (const prototype of [Object.prototype, ...errors.map((key) => globalThis[key].prototype)]) {
    for (const key of Reflect.ownKeys(prototype)) {
      const { value, configurable } = Object.getOwnPropertyDescriptor(prototype, key);
      if (value === undefined || !configurable) continue;
      Object.defineProperty(prototype, key, {
        get: () => value,
        set(replacement) {
          if (this === prototype) throw new TypeError("the language cannot be changed");
          const slot = { value: replacement, writable: true, enumerable: true, configurable: true };
          Object.defineProperty(this, key, slot);
        },
        configurable: false,
      });
    }
  }

  const seen = new Set(names.map((name) => globalThis[name]));
  const queue = [
    globalThis,
    Object.getPrototypeOf(function* () {}),
    Object.getPrototypeOf(async function () {}),
    Object.getPrototypeOf(async function* () {}),
    [][Symbol.iterator](),
    ""[Symbol.iterator](),
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    "".matchAll(/x/g),
  ];
  while (queue.length > 0) {
    const item = queue.pop();
    if ((typeof item !== "object" && typeof item !== "function") || item === null || seen.has(item)) {
      continue;
    }
    seen.add(item);
    queue.push(Object.getPrototypeOf(item));
    for (const key of Reflect.ownKeys(item)) {
      const slot = Object.getOwnPropertyDescriptor(item, key);
      queue.push(slot.value, slot.get, slot.set);
    }
    Object.freeze(item);
  }
  const text = (value) => {
    if (value === null || value === undefined) return null;
    if (Array.isArray(value)) return value.length === 0 ? null : value.map((v) => text(v) ?? "").join(",");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  return text;
});
