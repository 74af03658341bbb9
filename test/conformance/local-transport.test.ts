import { clock, LocalNetwork } from '../adapters/local/local-network.js';
import { transportSuite } from './transport.suite.js';

transportSuite(
  'local socket',
  async () => {
    const local = await LocalNetwork.open();
    let isAsked = false;
    return {
      node: async () => {
        if (isAsked) return local.network.transport();
        isAsked = true;
        return local.connect();
      },
      settle: () => clock.endOfTurn(),
      cleanUp: () => local.close(),
    };
  },
  'requests',
);
