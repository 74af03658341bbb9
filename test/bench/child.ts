/**
 * The process of one measurement: a fresh heap, so that its CPU and memory are its own. Answers its parent with one message.
 * It imports only what it measures, and later than this line, so that the cost of a start can be told from Node's own.
 */
const nodeCpu = process.cpuUsage();
const [, , measurement = '', dataPath = '', count = '0'] = process.argv;

async function measure(): Promise<unknown> {
  if (measurement === 'start') {
    const { measureStart } = await import('./start.js');
    return { ...(await measureStart(dataPath)), nodeCpuMs: (nodeCpu.user + nodeCpu.system) / 1_000 };
  }
  if (measurement === 'idle') {
    const { measureIdle } = await import('./idle.js');
    return measureIdle(dataPath, Number(count));
  }
  const { runWorkload } = await import('./workloads.js');
  return runWorkload(measurement, Number(count), dataPath);
}

const result = await measure();
process.send?.(result, () => process.disconnect());

export {};
