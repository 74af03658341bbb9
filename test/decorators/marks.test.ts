/** What the decorators write, and what they refuse. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { decoratedClasses } from '../../src/decorators/decorated.js';
import { enabledRolesOf } from '../../src/decorators/enable.js';
import { masterListenerOptionsOf, nodeListenerOptionsOf } from '../../src/decorators/listeners.js';
import { processorMarkOf } from '../../src/decorators/marks.js';
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  JobHandler,
  JobRunner,
  LtsError,
  MasterNodeListener,
  NodeChangeListener,
  Processor,
} from '../../src/index.js';
import { defineJob } from '../../src/job/contract.js';

describe('@Processor and @JobRunner', () => {
  it('the bean id is the name of the class, first letter lower-cased, unless another is given', () => {
    @Processor()
    class SpringBean {}
    @Processor('mail')
    class Mailer {}
    @JobRunner({ id: 'all', description: 'runs everything' })
    class Anything {}
    expect(processorMarkOf(SpringBean)).toMatchObject({ id: 'springBean', scope: 'singleton', isJobRunner: false });
    expect(processorMarkOf(Mailer)).toMatchObject({ id: 'mail', contract: { processor: 'mail' } });
    expect(processorMarkOf(Anything)).toMatchObject({
      isJobRunner: true,
      contract: { description: 'runs everything' },
    });
  });

  it('options beside id, scope, description and params are the defaults of its jobs', () => {
    @Processor({ id: 'a', nodeGroup: 'g', scope: 'job', timeout: '30s', maxRetryTimes: 3 })
    class A {}
    const mark = processorMarkOf(A);
    expect(mark).toMatchObject({ nodeGroup: 'g', scope: 'job' });
    expect(mark?.contract.defaults).toEqual({ nodeGroup: 'g', timeout: '30s', maxRetryTimes: 3 });
  });

  it('a subclass inherits no mark', () => {
    @Processor()
    class Base {
      @JobHandler()
      sync() {}
    }
    class Sub extends Base {}
    expect(processorMarkOf(Sub)).toBeUndefined();
    Processor('sub')(Sub);
    expect(processorMarkOf(Sub)?.handlers).toEqual([]);
    expect(processorMarkOf(Base)?.handlers).toHaveLength(1);
  });

  it('both on one class are refused, naming it', () => {
    expect(() => {
      @Processor()
      @JobRunner()
      class Both {}
      return Both;
    }).toThrow(/Class Both has two of @Processor and @JobRunner/);
  });
});

describe('@JobHandler', () => {
  const contract = defineJob('mail.send', { timeout: '1s' });

  @Processor({ id: 'orders', nodeGroup: 'g', maxRetryTimes: 3 })
  class Orders {
    @JobHandler()
    sync() {}
    @JobHandler('other')
    renamed() {}
    @JobHandler({ name: 'late', description: 'comes late', nodeGroup: 'h', timeout: '30s' })
    withOptions() {}
    @JobHandler(contract)
    send() {}
  }

  it('handlers are named after bean and method, or as they say, or after their contract', () => {
    const handlers = processorMarkOf(Orders)?.handlers.map(({ method, contract }) => [method, contract.processor]);
    expect(handlers).toEqual([
      ['sync', 'orders.sync'],
      ['renamed', 'orders.other'],
      ['withOptions', 'orders.late'],
      ['send', 'mail.send'],
    ]);
  });

  it('what a handler does not say is taken from its class; a contract stands as it is', () => {
    const [sync, , late, send] = processorMarkOf(Orders)?.handlers ?? [];
    expect(sync?.contract.defaults).toEqual({ nodeGroup: 'g', maxRetryTimes: 3 });
    expect(late?.contract).toMatchObject({ description: 'comes late', defaults: { nodeGroup: 'h', timeout: '30s' } });
    expect(send?.contract).toBe(contract);
  });

  it('on a static method it is refused, naming class and method', () => {
    expect(() => {
      class Wrong {
        run() {}
        @JobHandler()
        static sync() {}
      }
      return Wrong;
    }).toThrow(/@JobHandler on Wrong.sync: it is static/);
  });
});

describe('other marks', () => {
  it('an application enables roles one by one, each with its own options', () => {
    @EnableJobTracker()
    @EnableTaskTracker({ nodeGroup: 'g', workThreads: 2 })
    @EnableJobClient()
    class Application {}
    expect(enabledRolesOf(Application)).toEqual({
      jobTracker: {},
      taskTracker: { nodeGroup: 'g', workThreads: 2 },
      jobClient: {},
    });
    class Nothing {}
    expect(enabledRolesOf(Nothing)).toEqual({});
  });

  it('a master listener names the nodes whose elections it hears', () => {
    @MasterNodeListener({ nodeTypes: ['JOB_TRACKER'] })
    class Elections {}
    expect(masterListenerOptionsOf(Elections)).toEqual({ nodeTypes: ['JOB_TRACKER'] });
    @NodeChangeListener({ nodeTypes: ['JOB_CLIENT'] })
    class Nodes {}
    expect(nodeListenerOptionsOf(Nodes)).toEqual({ nodeTypes: ['JOB_CLIENT'] });
  });

  it('each decorated class is listed once', () => {
    @Processor()
    @EnableJobClient()
    class Twice {}
    expect(decoratedClasses().filter((type) => type === Twice)).toHaveLength(1);
  });
});

describe('compiled without experimentalDecorators', () => {
  const file = join(import.meta.dirname, 'standard-decorators.fixture.mjs');

  async function importStandard(source: string): Promise<unknown> {
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    await writeFile(file, ts.transpileModule(source, { compilerOptions }).outputText);
    try {
      return await import(`${file}?${Math.random()}`);
    } catch (error) {
      return error;
    } finally {
      await rm(file);
    }
  }

  it.each([
    ['Processor', '@Processor() class Wrong {}'],
    ['JobRunner', '@JobRunner() class Wrong {}'],
    ['EnableJobClient', '@EnableJobClient() class Wrong {}'],
    ['RunInterceptor', '@RunInterceptor() class Wrong {}'],
    ['JobCompletedHandler', '@JobCompletedHandler() class Wrong {}'],
    ['MasterNodeListener', '@MasterNodeListener() class Wrong {}'],
    ['NodeChangeListener', '@NodeChangeListener() class Wrong {}'],
    ['JobHandler', 'class Wrong { @JobHandler() sync() {} }'],
  ])('@%s says which option of tsconfig.json is missing', async (decorator, source) => {
    const error = await importStandard(`import { ${decorator} } from '../../src/index.js'; ${source}`);
    expect(LtsError.is(error, 'LTS_PROCESSOR_INVALID')).toBe(true);
    expect((error as Error).message).toMatch(
      new RegExp(`@${decorator} on (Wrong|sync).*"experimentalDecorators": true`),
    );
  });
});
