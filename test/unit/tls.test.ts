import { connectOver, dialSuite } from '../support/dial-suite.ts';
import { linkSuite } from '../support/link-suite.ts';

linkSuite('tls', connectOver('tls'));
dialSuite('tls');
