/** What a stretch of work cost: time, CPU, memory, and the counts of the store and the network. */
import { readFileSync } from 'node:fs';
import type { Totals, Watch } from './watch.js';

/** One line of the results. Counts do not depend on the machine; times do. */
export interface Row {
  readonly shape: 'embedded';
  readonly workload: string;
  readonly jobs: number;
  readonly jobsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly recordWritesPerJob: number;
  readonly keyOpsPerJob: number;
  readonly keyReadsPerJob: number;
  readonly commitsPerJob: number;
  readonly messagesPerJob: number;
  /** CPU time of the whole process: user and system, all threads. */
  readonly cpuMicrosPerJob: number;
  /** Memory of the process that is backed by no file, at its most; null where the system does not tell. */
  readonly peakRssAnonMb: number | null;
}

/** Cost of a stretch; the jobs it is shared among are known at its end. */
export interface Spent extends Totals {
  readonly wallMs: number;
  readonly cpuMicros: number;
}

/** Measures from its making until `end`. */
export class Stretch {
  private readonly before: Totals;
  private readonly cpu: NodeJS.CpuUsage;
  private readonly wall: number;

  constructor(private readonly watch: Watch) {
    this.before = watch.totals();
    this.cpu = process.cpuUsage();
    this.wall = performance.now();
  }

  end(): Spent {
    const wallMs = performance.now() - this.wall;
    const { user, system } = process.cpuUsage(this.cpu);
    const after = this.watch.totals();
    const since = (name: keyof Totals): number => after[name] - this.before[name];
    return {
      wallMs,
      cpuMicros: user + system,
      recordWrites: since('recordWrites'),
      keyOps: since('keyOps'),
      keyReads: since('keyReads'),
      commits: since('commits'),
      messages: since('messages'),
      ended: since('ended'),
    };
  }
}

/** What a workload answers: how many jobs share the cost, and a latency of each call or job, in ms. */
export interface Outcome {
  readonly jobs: number;
  readonly spent: Spent;
  readonly latencies: readonly number[];
}

type RowParts = Outcome & Pick<Row, 'workload' | 'peakRssAnonMb'>;

export function rowOf({ workload, jobs, spent, latencies, peakRssAnonMb }: RowParts): Row {
  const sorted = Float64Array.from(latencies).sort();
  const perJob = (total: number): number => rounded(total / jobs, 4);
  return {
    shape: 'embedded',
    workload,
    jobs,
    jobsPerSecond: rounded((jobs * 1_000) / spent.wallMs, 1),
    p50Ms: rounded(percentile(sorted, 0.5), 3),
    p99Ms: rounded(percentile(sorted, 0.99), 3),
    recordWritesPerJob: perJob(spent.recordWrites),
    keyOpsPerJob: perJob(spent.keyOps),
    keyReadsPerJob: perJob(spent.keyReads),
    commitsPerJob: perJob(spent.commits),
    messagesPerJob: perJob(spent.messages),
    cpuMicrosPerJob: rounded(spent.cpuMicros / jobs, 1),
    peakRssAnonMb,
  };
}

/** Nearest rank; 0 where nothing was measured. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** Samples RssAnon, which leaves out the pages of the mapped store file. */
export class MemoryWatch {
  private peak: number | null = null;
  private readonly timer = setInterval(() => this.sample(), 100);

  /** The peak so far; stops the sampling. */
  end(): number | null {
    clearInterval(this.timer);
    this.sample();
    return this.peak;
  }

  private sample(): void {
    const now = rssAnonMb();
    if (now !== null) this.peak = Math.max(this.peak ?? 0, now);
  }
}

function rssAnonMb(): number | null {
  try {
    const found = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return found ? rounded(Number(found[1]) / 1_024, 1) : null;
  } catch {
    return null;
  }
}
