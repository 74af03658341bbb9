/** Where planted bugs take hold of a tracker. */
import type { JobRecord } from '../../src/job/job.js';
import type { JobTrackerRole } from '../../src/job-tracker/job-tracker.js';
import type { Session } from '../../src/job-tracker/sessions/session.js';
import type { Lease } from '../../src/ports/leases.js';
import type { ReportAnswer, RunReport, TrackerHint } from '../../src/protocol/messages.js';

/** The inner parts of a tracker that plants reach into. */
interface Insides {
  readonly settle: {
    verdicts(reports: readonly RunReport[]): Promise<ReportAnswer[]>;
    afterwards(records: readonly JobRecord[]): Promise<void>;
  };
  readonly rescue: {
    sweep(): Promise<void>;
    watch(session: Session, now: number): Promise<void>;
    end(session: Session, why: string): Promise<void>;
    readonly grace: { begin(): void };
    readonly fallen: {
      giveBack(session: Session, runIds: readonly string[]): Promise<void>;
      end(seen: Lease, why: string): Promise<boolean>;
      rescue(session: string): Promise<number>;
    };
    readonly survey: { tick(): Promise<[]>; clearUp(): Promise<void>; judge(watched: Watched): Promise<unknown> };
    takeOver(id: string, runIds: readonly string[]): Promise<void>;
  };
  readonly sessions: {
    begin(info: Session['info'], moves: number): Promise<string>;
    renew(id: string, runIds: readonly string[]): Promise<string>;
    find(id: string): Session | undefined;
    end(session: Session): void;
    holderOf(jobId: string): Session | undefined;
  };
  readonly dispatch: {
    replyTo(session: Session, records: readonly JobRecord[]): Promise<unknown>;
    drop(session: Session): void;
  };
  readonly trigger: { sweep(): Promise<void>; alignSuspended(): Promise<void> };
  readonly schedules: {
    withNextSlot(schedule: JobRecord, instance: JobRecord): Promise<JobRecord | undefined>;
    confirm(seen: JobRecord, inserted: JobRecord): Promise<void>;
  };
  readonly hints: { hear(hint: TrackerHint): Promise<Record<string, never>> };
}

interface Watched {
  readonly lease: Lease;
  readonly sinceMono: number;
}

export const insidesOf = (role: JobTrackerRole): Insides => role as unknown as Insides;
