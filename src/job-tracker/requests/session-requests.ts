/** What a worker asks of the tracker that serves its session: to begin and end it, and to take the reports of its runs. */
import type { BodyOf, ReplyOf } from '../../protocol/messages.js';
import type { Dispatch } from '../dispatch.js';
import type { Rescue } from '../rescue/rescue.js';
import type { Sessions } from '../sessions/sessions.js';
import type { Settle } from '../settle.js';

export interface SessionSteps {
  /** Of the tracker that answers. */
  readonly identity: string;
  readonly sessions: Sessions;
  readonly rescue: Rescue;
  readonly settle: Settle;
  readonly dispatch: Dispatch;
}

export class SessionRequests {
  constructor(private readonly steps: SessionSteps) {}

  /** A session that was replaced or ended meanwhile is not begun again by a late message. */
  async start(body: BodyOf<'StartSession'>): Promise<ReplyOf<'StartSession'>> {
    const { identity, rescue, sessions } = this.steps;
    const { replaces, runIds, moves = 1, ...info } = body;
    for (const id of replaces) await rescue.replace(id, runIds);
    const answer = await sessions.begin(info, moves);
    if (answer === 'ok' && moves > 1) await rescue.takeOver(info.session, runIds);
    return { answer, tracker: identity };
  }

  async renew({ session, runIds }: BodyOf<'RenewSession'>): Promise<ReplyOf<'RenewSession'>> {
    return { answer: await this.steps.sessions.renew(session, runIds) };
  }

  async end({ session, runIds }: BodyOf<'EndSession'>): Promise<ReplyOf<'EndSession'>> {
    await this.steps.rescue.leave(session, runIds);
    return { answer: 'ok' };
  }

  /** The reply brings due jobs for the freed slots; slots that found none join the session's parked pull. */
  async report({ session: id, reports, slots }: BodyOf<'ReportRuns'>): Promise<ReplyOf<'ReportRuns'>> {
    const { sessions, settle, dispatch } = this.steps;
    const session = sessions.find(id);
    // Both join one commit; what the settled runs make possible (a suspect, a parked pull) is looked at afterwards.
    const [answers, early] = await Promise.all([
      settle.reported(reports),
      session ? dispatch.takeDue(session, slots) : undefined,
    ]);
    if (!session) return { answers, answer: sessions.absent(id), jobs: [] };
    if (early && (early.answer !== 'ok' || early.jobs.length > 0)) return { ...early, answers };
    const due = await dispatch.takeDue(session, slots);
    const credited = due.answer === 'ok' && due.jobs.length === 0 ? dispatch.credit(session, slots) : undefined;
    return { ...due, answers, credited };
  }
}
