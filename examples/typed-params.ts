/**
 * Typed params: rules in a class or a schema, checked at submit and again before the run. Run it with:
 *
 *   npx tsx examples/typed-params.ts
 */
import { ArrayNotEmpty, IsInt, IsOptional, IsString, Min } from 'class-validator';
import {
  defineJob,
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  JobHandler,
  LtsApplication,
  LtsError,
  Nested,
  Processor,
} from 'light-task-scheduler';
import * as v from 'valibot';
import { z } from 'zod';

// A class with class-validator's rules. Without rules a property passes as it is.
class Line {
  @IsString() article!: string;
  @IsInt() @Min(1) amount = 1;
}

class Order {
  @IsString() shop!: string;
  // @Nested makes the elements instances of their class and checks them too.
  @Nested(() => Line) @ArrayNotEmpty() lines!: Line[];
  @IsOptional() @IsString() note?: string;
}

// Any Standard Schema will do as well: zod, valibot, arktype. What it puts out is what the handler gets.
const Refund = z.object({ orderId: z.string(), cents: z.coerce.number().int().positive() });

// A contract without its handler. A web process imports this alone, so it never loads what the handler needs.
const sendMail = defineJob('mail.send', {
  params: v.object({ to: v.pipe(v.string(), v.email()) }),
  result: v.object({ messageId: v.string() }),
  timeout: '30s',
  maxRetryTimes: 3,
});

@Processor()
class Shop {
  @JobHandler({ params: Order })
  place(order: Order) {
    return { pieces: order.lines.reduce((sum, line) => sum + line.amount, 0) };
  }

  @JobHandler({ params: Refund })
  refund({ orderId, cents }: z.infer<typeof Refund>) {
    return `${orderId}: ${cents / 100}`;
  }

  // The compiler holds the method to its contract.
  @JobHandler(sendMail)
  send({ to }: { to: string }) {
    return { messageId: `1@${to}` };
  }
}

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

await using app = await LtsApplication.run(Application, {
  processors: [Shop],
  settings: { 'lts.jobtracker.configs.job.queue': 'memory', 'lts.log.level': 'warn' },
});
const jobs = app.jobClient;

// Params and results are typed from the class and its method, or from the contract.
const placed = await jobs.submit(Shop, 'place', {
  shop: '1',
  lines: [
    { article: 'a', amount: 2 },
    { article: 'b', amount: 3 },
  ],
});
const { pieces } = await placed.result();
console.log('placed  ', pieces, 'pieces');
console.log('refunded', await jobs.submitAndWait(Shop, 'refund', { orderId: 'o-1', cents: 250 }));
const { messageId } = await jobs.submitAndWait(sendMail, { to: 'a@example.com' });
console.log('sent    ', messageId);

// What does not fit is refused before anything is sent, with the path of each mistake.
try {
  await jobs.submit(Shop, 'place', { shop: '1', lines: [{ article: 'a', amount: 0 }] });
} catch (error) {
  if (!LtsError.is(error, 'LTS_PARAMS_INVALID')) throw error;
  console.log('refused ', error.message);
}
