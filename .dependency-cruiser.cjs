/** The arrows between folders: who may import whom. Anything that is not listed here is an error. */

/** Every layer with the layers it may import, itself included without saying. */
const arrows = {
  errors: [],
  kit: ['errors'],
  job: ['kit', 'errors'],
  ports: ['job', 'kit', 'errors'],
  protocol: ['job', 'kit', 'errors'],
  cluster: ['protocol', 'ports', 'job', 'kit', 'errors'],
  'job-client': ['cluster', 'protocol', 'ports', 'job', 'kit', 'errors'],
  'job-tracker': ['cluster', 'protocol', 'ports', 'job', 'kit', 'errors'],
  'task-tracker': ['cluster', 'protocol', 'ports', 'job', 'kit', 'errors'],
  admin: ['cluster', 'protocol', 'ports', 'job', 'kit', 'errors'],
  decorators: ['job', 'ports', 'errors'],
  cli: ['boot', 'job-client', 'job', 'errors'],
  index: ['boot', 'decorators', 'job', 'ports', 'errors'],
};
const roles = ['job-client', 'job-tracker', 'task-tracker', 'admin'];
const belowIndex = ['decorators', 'adapters', ...roles, 'cluster', 'protocol', 'ports', 'job', 'kit', 'errors'];
arrows.boot = belowIndex;
arrows.testing = ['boot', ...belowIndex];

/** An npm package may be imported only from its home; one that is not named here, from nowhere in src. */
const homes = {
  'classic-level': '^src/adapters/leveldb/',
  'class-validator': '^src/adapters/class-validator/',
  'cron-parser': '^src/job/cron/',
  commander: '^src/cli/',
  inversify: '^src/(boot|testing)/',
  'dot-properties': '^src/boot/settings/',
  lmdb: '^src/adapters/lmdb/',
  mongodb: '^src/adapters/mongo/',
  nats: '^src/adapters/nats/',
  pino: '^src/adapters/pino/',
  'reflect-metadata': '^src/boot/beans/',
  tinyglobby: '^src/boot/beans/',
};

/** `src/errors.ts` and `src/index.ts` are files, all other layers are folders. */
const pathOf = (layer) => (layer === 'errors' || layer === 'index' ? `^src/${layer}\\.ts$` : `^src/${layer}/`);
const npm = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    ...Object.entries(arrows).map(([layer, others]) =>
      forbid(
        `${layer}-imports-only-its-own`,
        `${layer} may import: ${others.join(' ') || 'nothing'}`,
        { path: pathOf(layer) },
        {
          path: '^(src|test|examples)/',
          pathNot: [layer, ...others].map(pathOf),
        },
      ),
    ),
    forbid(
      'adapter-imports-only-its-own',
      'an adapter may import: protocol ports job kit errors, never another adapter',
      {
        path: '^src/adapters/([^/]+)/',
      },
      {
        path: '^(src|test|examples)/',
        pathNot: ['^src/adapters/$1/', ...['protocol', 'ports', 'job', 'kit', 'errors'].map(pathOf)],
      },
    ),
    forbid(
      'pure-layers-touch-no-node',
      'kit, job, ports and protocol import no Node module',
      {
        path: ['errors', 'kit', 'job', 'ports', 'protocol'].map(pathOf),
      },
      { dependencyTypes: ['core'] },
    ),
    forbid(
      'roles-touch-no-world',
      'time, chance, network and disk come through ports; only async_hooks has none',
      {
        path: ['cluster', 'job-client', 'job-tracker', 'task-tracker'].map(pathOf),
      },
      { dependencyTypes: ['core'], pathNot: '^(node:)?async_hooks$' },
    ),
    forbid(
      'package-without-a-home',
      'name the package and its one place in .dependency-cruiser.cjs',
      { path: '^src/' },
      {
        dependencyTypes: npm,
        pathNot: Object.keys(homes).map((name) => `node_modules/${name}/`),
      },
    ),
    ...Object.entries(homes).map(([name, home]) =>
      forbid(
        `${name}-only-at-home`,
        `only ${home} knows ${name}`,
        { path: '^src/', pathNot: home },
        {
          path: `node_modules/${name}/`,
        },
      ),
    ),
    forbid(
      'src-needs-no-dev-package',
      'src runs where development tools are not installed',
      { path: '^src/' },
      {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['npm', 'npm-peer'],
      },
    ),
    forbid(
      'examples-use-the-front-door',
      'examples import the package by its own name, as users do',
      { path: '^examples/' },
      {
        path: '^(src|test)/',
        dependencyTypesNot: ['aliased'],
      },
    ),
    forbid('no-cycle', 'type-only imports included', {}, { circular: true }),
    forbid('resolvable', 'the imported file or package does not exist', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
