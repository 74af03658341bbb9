/** The service that the contract's processors use: shop 1 is never there. */
export class OrderService {
  async sync(shop: string, { signal }: { signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (shop === '1') throw new Error('shop 1 does not answer');
  }
}
