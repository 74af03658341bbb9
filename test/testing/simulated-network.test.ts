import { describe, expect, test } from 'vitest';
import { LtsError } from '../../src/errors.js';
import { calmNetwork, type NetworkFaults } from '../../src/testing/faults.js';
import { NodeLife } from '../../src/testing/node-life.js';
import { SeededChance } from '../../src/testing/seeded-chance.js';
import { SimulatedNetwork } from '../../src/testing/simulated-network.js';
import { Trace } from '../../src/testing/trace.js';
import { VirtualTime } from '../../src/testing/virtual-time.js';

function twoNodes(faults: Partial<NetworkFaults> = {}) {
  const time = new VirtualTime();
  const network = new SimulatedNetwork({
    world: time,
    chance: new SeededChance(1),
    faults: () => ({ ...calmNetwork, ...faults }),
    points: { isFatal: () => false },
    trace: new Trace(time),
  });
  const life = { asker: new NodeLife(time, 'asker.1'), answerer: new NodeLife(time, 'answerer.1') };
  const asker = network.transport('asker', life.asker);
  const answerer = network.transport('answerer', life.answerer);
  const heard: unknown[] = [];
  const answers: string[] = [];
  const listen = () =>
    answerer.subscribe('s', async ({ body }) => {
      heard.push(body);
      return { echo: body };
    });
  const ask = (body: unknown, deadlineMs = 1_000) =>
    void asker.request('s', { kind: 'Question', body }, { deadlineMs }).then(
      (reply) => answers.push(JSON.stringify(reply)),
      (error: unknown) => answers.push(LtsError.is(error) ? error.code : String(error)),
    );
  return { time, network, life, listen, ask, heard, answers };
}

describe('the simulated network', () => {
  test('brings a copy of the question and of the answer', async () => {
    const { time, listen, ask, heard, answers } = twoNodes();
    listen();
    const body = { name: 'a' };
    ask(body);
    await time.advance(10);
    expect(heard).toEqual([body]);
    expect(heard[0]).not.toBe(body);
    expect(answers).toEqual(['{"echo":{"name":"a"}}']);
  });

  test('says at once that nobody listens, also after the listener crashed or was cut off from its server', async () => {
    const { time, network, life, listen, ask, answers } = twoNodes();
    ask(1);
    await time.advance(10);
    listen();
    network.disconnect('answerer');
    ask(2);
    await time.advance(10);
    network.reconnect('answerer');
    life.answerer.end();
    ask(3);
    await time.advance(10);
    expect(answers).toEqual(['LTS_NO_TRACKER', 'LTS_NO_TRACKER', 'LTS_NO_TRACKER']);
  });

  test('still delivers a request whose asker has given up', async () => {
    const { time, life, listen, ask, heard, answers } = twoNodes();
    listen();
    life.answerer.freeze();
    ask(1, 500);
    await time.advance(600);
    expect(answers).toEqual(['LTS_TIMEOUT']);
    expect(heard).toEqual([]);
    life.answerer.thaw();
    await time.advance(10);
    expect(heard).toEqual([1]);
    expect(answers).toEqual(['LTS_TIMEOUT']);
  });

  test('loses one direction only when only that is cut', async () => {
    const { time, network, listen, ask, heard, answers } = twoNodes();
    listen();
    network.cut('answerer', 'asker');
    ask(1, 500);
    await time.advance(600);
    expect(heard).toEqual([1]);
    expect(answers).toEqual(['LTS_TIMEOUT']);
  });

  test.each([
    ['drops', { dropRate: 1 }, 'dropped'],
    ['delivers twice', { duplicateRate: 1 }, 'duplicated'],
    ['delivers once more, later', { replayRate: 1, replayMs: { min: 50, max: 60 } }, 'replayed'],
    ['delays', { slowRate: 1, slowMs: { min: 50, max: 60 } }, 'slowed'],
  ] as const)('%s messages as its faults say', async (_, faults, mark) => {
    const { time, network, listen, ask, heard } = twoNodes(faults);
    listen();
    ask(1);
    await time.advance(2_000);
    expect(network.counts[mark]).toBeGreaterThan(0);
    expect(heard.length).toBe({ dropped: 0, duplicated: 2, replayed: 2, slowed: 1 }[mark]);
  });
});
