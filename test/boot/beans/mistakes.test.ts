/** Mistakes in processors are found at open and explained: class, id, next move. */
import { Container, inject, injectable } from 'inversify';
import { describe, expect, it } from 'vitest';
import { openBeans } from '../../../src/boot/beans/beans.js';
import {
  type Bean,
  defineProcessor,
  JobCompletedHandler,
  JobHandler,
  JobRunner,
  LtsError,
  MasterNodeListener,
  NodeChangeListener,
  Processor,
  RunInterceptor,
} from '../../../src/index.js';
import { defineJob } from '../../../src/job/contract.js';

const schemas = { check: () => Promise.reject(new Error('not asked')) };

/** The message of the refusal; its code is checked here. */
async function refusal(...processors: unknown[]): Promise<string> {
  const error = await openBeans({ processors: processors as Bean[], schemas }).catch((found: unknown) => found);
  expect(LtsError.is(error, 'LTS_PROCESSOR_INVALID')).toBe(true);
  return (error as Error).message;
}

@Processor('twin')
class FirstTwin {
  run() {}
}
@Processor('twin')
class SecondTwin {
  run() {}
}

describe('ids', () => {
  it('an id that two classes have', async () => {
    expect(await refusal(FirstTwin, SecondTwin)).toBe(
      'The processor id "twin" is used by FirstTwin and by SecondTwin. Rename all but one.',
    );
  });

  it('two handlers of one name, and a definition with the name of a handler', async () => {
    @Processor('orders')
    class Orders {
      @JobHandler('sync')
      first() {}
      @JobHandler('sync')
      second() {}
    }
    const third = defineProcessor('orders.sync', {}, () => {});
    expect(await refusal(Orders, third)).toContain(
      '"orders.sync" is used by Orders.first and by Orders.second and by defineProcessor("orders.sync")',
    );
  });

  it.each(['', 'x'.repeat(129)])('an id that no job can name: %j', async (id) => {
    @Processor(id)
    class Nameless {
      run() {}
    }
    expect(await refusal(Nameless)).toMatch(/^Nameless: ".*is no processor id. Use 1 to 128 characters/);
  });
});

describe('classes', () => {
  it('two job runners', async () => {
    @JobRunner()
    class One {
      run() {}
    }
    @JobRunner()
    class Two {
      run() {}
    }
    expect(await refusal(One, Two)).toBe('There is more than one @JobRunner: One and Two. Keep one.');
  });

  it('a handler on a class without @Processor', async () => {
    class Bare {
      @JobHandler()
      sync() {}
    }
    expect(await refusal(Bare)).toBe(
      'Bare has methods marked @JobHandler but no @Processor. Add @Processor() to the class.',
    );
  });

  it('a class that can run nothing, and a job runner without run', async () => {
    @Processor()
    class Empty {}
    @JobRunner()
    class Runless {
      @JobHandler()
      part() {}
    }
    expect(await refusal(Empty)).toMatch(/^Empty, processor "empty", has neither run\(context\) nor a method marked/);
    expect(await refusal(Runless)).toMatch(/^Runless, processor "runless", is the JobRunner but has no method run/);
  });

  it('run as a handler, and an unknown scope', async () => {
    @Processor()
    class Confused {
      @JobHandler()
      run() {}
    }
    @Processor({ scope: 'request' as 'job' })
    class Scoped {
      run() {}
    }
    expect(await refusal(Confused)).toContain('marks run as @JobHandler');
    expect(await refusal(Scoped)).toContain("has the scope \"request\". Use 'singleton' or 'job'");
  });

  it('what is no bean', async () => {
    class Plain {
      run() {}
    }
    for (const wrong of [Plain, 7, null, { run() {} }, defineJob('a')]) {
      expect(await refusal(wrong)).toContain('is neither a decorated class nor made by defineProcessor');
    }
    expect(await refusal(defineProcessor('a', {}, undefined as never))).toContain(
      'defineProcessor("a") has no handler',
    );
  });

  it('listeners and interceptors without their method, and two completed handlers', async () => {
    @JobCompletedHandler()
    class Completed {}
    @JobCompletedHandler()
    class Other {
      onComplete() {}
    }
    @MasterNodeListener()
    class Elections {}
    @NodeChangeListener()
    class Nodes {}
    @RunInterceptor()
    class Around {}
    const text = await refusal(Completed, Other, Elections, Nodes, Around);
    expect(text).toContain('Completed is marked @JobCompletedHandler but has no method onComplete.');
    expect(text).toContain('Elections is marked @MasterNodeListener but has no method change.');
    expect(text).toContain('Nodes is marked @NodeChangeListener but has no method addNodes or removeNodes.');
    expect(text).toContain('Around is marked @RunInterceptor but has no method intercept.');
    expect(text).toContain('There is more than one @JobCompletedHandler: Completed and Other.');
  });
});

describe('dependencies', () => {
  const Mail = Symbol.for('test.Mail');
  @injectable()
  class Accounts {
    constructor(@inject(Mail) readonly mail: unknown) {}
  }
  @injectable()
  class Shop {
    constructor(@inject(Accounts) readonly accounts: Accounts) {}
  }

  it('nothing is bound: the way from the class to what is missing is named', async () => {
    @Processor()
    class Deep {
      constructor(@inject(Shop) readonly shop: Shop) {}
      run() {}
    }
    @Processor()
    class Near {
      constructor(@inject(Mail) readonly mail: unknown) {}
      run() {}
    }
    expect(await refusal(Deep)).toMatch(
      /^Deep cannot be built: nothing is bound to Symbol\(test.Mail\) \(Deep -> Shop -> Accounts -> Symbol\(test.Mail\)\)/,
    );
    expect(await refusal(Near)).toContain('(Near -> Symbol(test.Mail))');
  });

  it('the container itself is the cause', async () => {
    @Processor()
    class Lonely {
      constructor(@inject(Mail) readonly mail: unknown) {}
      run() {}
    }
    const error = await openBeans({ processors: [Lonely], schemas }).catch((found: Error) => found);
    expect((error as Error).cause).toMatchObject({ message: expect.stringContaining('No bindings found') });
  });

  it('a constructor parameter that says nothing, of the class or of a service', async () => {
    @Processor()
    class Silent {
      constructor(readonly anything: unknown) {}
      run() {}
    }
    class Service {
      constructor(readonly anything: unknown) {}
    }
    @Processor()
    class Asking {
      constructor(@inject(Service) readonly service: Service) {}
      run() {}
    }
    expect(await refusal(Silent)).toContain('what the constructor of Silent takes. Put @inject(token)');
    expect(await refusal(Asking)).toMatch(/^Asking cannot be built: .* constructor of Service takes/);
  });

  it('a circle', async () => {
    const container = new Container();
    @Processor()
    class Circle {
      constructor(@inject(Mail) readonly again: unknown) {}
      run() {}
    }
    container.bind(Circle).toSelf();
    container.bind(Mail).toService(Circle);
    const error = await openBeans({ container, processors: [Circle], schemas }).catch((found: Error) => found);
    expect((error as Error).message).toMatch(/^Circle cannot be built: Circular dependency found: Circle -> .*Circle/);
  });

  it('a constructor that throws', async () => {
    @Processor()
    class Throwing {
      constructor() {
        throw new Error('no file');
      }
      run() {}
    }
    expect(await refusal(Throwing)).toBe(
      'Throwing cannot be built: a constructor on the way threw: no file. A constructor should only store what it is given.',
    );
  });
});

it('several mistakes come in one error', async () => {
  @Processor()
  class Empty {}
  const text = await refusal(FirstTwin, SecondTwin, Empty);
  expect(text).toMatch(/^2 mistakes in the processors:\n {2}- Empty, .*\n {2}- The processor id "twin"/);
});

it('regression: undefined in the list, the accident of two files that import one another, was dropped in silence', async () => {
  expect(await refusal(undefined, FirstTwin)).toMatch(/^processors: one of the list is undefined.*import one another/);
});

describe('defaults of jobs', () => {
  it('regression: only the submit refused them; class and method are named at start', async () => {
    @Processor('orders')
    class Orders {
      @JobHandler({ timeout: 'abc' })
      sync() {}
      @JobHandler({ maxRetryTimes: -1 })
      clean() {}
      @JobHandler({ retryIntervall: 5 } as object)
      misspelt() {}
    }
    const text = await refusal(
      Orders,
      defineProcessor('defined', { backoff: 'slow' as 'fixed' }, () => {}),
    );
    expect(text).toContain('Orders.sync: timeout: "abc" is not a duration');
    expect(text).toContain('Orders.clean: maxRetryTimes: -1 must be a whole number');
    expect(text).toContain('Orders.misspelt: retryIntervall: a job has no such field. Did you mean retryInterval?');
    expect(text).toContain('defineProcessor("defined"): backoff: "slow" is unknown');
  });

  it('a time zone for the cron expressions that submits give is none', async () => {
    const zoned = defineProcessor('zoned', { timeZone: 'Asia/Shanghai' }, () => {});
    await (await openBeans({ processors: [zoned], schemas })).close();
    expect(await refusal(defineProcessor('far', { timeZone: 'Mars/X' }, () => {}))).toContain("'Mars/X' is unknown");
  });
});
