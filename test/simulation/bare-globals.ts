/** While a seed runs, nobody may ask the machine for time or chance: one such call would make the seed unrepeatable. */

const banned: readonly (readonly [object, string])[] = [
  [Date, 'now'],
  [Math, 'random'],
  [performance, 'now'],
  [crypto, 'randomUUID'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [AbortSignal, 'timeout'],
];

/** Runs `act` with globals that throw. Only for a process that does nothing else meanwhile. */
export async function withoutGlobals<T>(act: () => Promise<T>): Promise<T> {
  const kept = banned.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name));
  for (const [owner, name] of banned)
    Object.defineProperty(owner, name, { configurable: true, writable: true, value: refuse(name) });
  try {
    return await act();
  } finally {
    banned.forEach(([owner, name], i) => {
      const before = kept[i];
      if (before) Object.defineProperty(owner, name, before);
      else Reflect.deleteProperty(owner, name);
    });
  }
}

const refuse = (name: string) => () => {
  throw new Error(`${name} was called in a simulated world; time and chance come through the ports.`);
};
