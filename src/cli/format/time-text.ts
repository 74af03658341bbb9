/** Instants as people read them: the time of a zone, with its distance from UTC. */

const formats = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-21 05:00:23+01:00`. Default: the zone of this process. */
export function timeText(at: number | Date, { timeZone = '', isExact = false } = {}): string {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
  const ms = isExact ? `.${of('fractionalSecond')}` : '';
  const offset = of('timeZoneName').replace('GMT', '') || '+00:00';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}:${of('second')}${ms}${offset}`;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
    ...(timeZone === '' ? {} : { timeZone }),
  });
  formats.set(timeZone, format);
  return format;
}

/** `3d 4h`, `5m 10s`, `200ms`: the two largest units. */
export function lengthText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const;
  const largest = units.findIndex(([, size]) => ms >= size);
  if (largest === -1) return `${Math.max(0, Math.round(ms))}ms`;
  let left = ms;
  const texts = units.slice(largest, largest + 2).map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count > 0 ? `${count}${unit}` : '';
  });
  return texts.filter((text) => text !== '').join(' ');
}
