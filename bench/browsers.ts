/** Browsers as programs on this machine, without a window, and without a network beyond this machine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A browser, which is driven by nothing but the page that it is started with. */
export interface Browser {
  readonly name: 'chromium' | 'firefox-esr';
  /** Prepares its profile, which nothing else was in before. @returns its arguments */
  readonly prepare: (profile: string) => string[];
}

export const CHROMIUM: Browser = {
  name: 'chromium',
  prepare: (profile) => [
    ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${profile}`],
    // It finds nobody but this machine.
    ...['--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', '--no-proxy-server'],
    ...[
      '--no-first-run',
      '--no-default-browser-check',
      '--disable-background-networking',
      '--disable-component-update',
    ],
    ...['--disable-domain-reliability', '--disable-sync', '--disable-extensions', '--disable-breakpad', '--no-pings'],
    // A page may work for minutes without an answer to anybody.
    ...['--disable-hang-monitor', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'],
  ],
};

/** It finds nobody but this machine: it goes through a proxy on a port where nothing listens. */
const FIREFOX_PREFERENCES = {
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.no_proxies_on': '127.0.0.1',
  'network.proxy.allow_hijacking_localhost': false,
  'network.proxy.failover_direct': false,
  'network.dns.disabled': true,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  // A page may work for minutes without an answer to anybody.
  'dom.ipc.processHangMonitor': false,
  'dom.max_script_run_time': 0,
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.unified': false,
};

export const FIREFOX: Browser = {
  name: 'firefox-esr',
  prepare: (profile) => {
    const lines = Object.entries(FIREFOX_PREFERENCES).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    return ['--headless', '--no-remote', '--profile', profile];
  },
};
