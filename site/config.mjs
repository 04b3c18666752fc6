import { defineConfig } from 'vitepress';

export default defineConfig({
  title: 'Posthaste',
  description: 'The transactional outbox and inbox for the JVM',
  base: process.env.SITE_BASE ?? '/',
  lastUpdated: false,
  markdown: { attrs: { disable: true } }, // the documents are GitHub Markdown, where {braces} are plain text
  rewrites: { 'README.md': 'index.md', 'docs/adr/README.md': 'docs/adr/index.md' },
  // Links to things that are not pages: sources, and the Javadoc, which is generated separately.
  ignoreDeadLinks: [/^(\.?\.\/)*(examples|packaging)(\/|$)/, /^\/api\//],
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/' },
      { text: 'Operating', link: '/docs/OPERATING' },
      { text: 'Reliability', link: '/docs/RELIABILITY' },
      { text: 'Javadoc', link: '/api/index.html', target: '_self' },
    ],
    sidebar: [
      {
        text: 'Use it',
        items: [
          { text: 'Guide', link: '/' },
          { text: 'Operating', link: '/docs/OPERATING' },
          { text: 'Compatibility', link: '/docs/COMPATIBILITY' },
          { text: 'Benchmarks', link: '/BENCHMARKS' },
        ],
      },
      {
        text: 'Trust it',
        items: [
          { text: 'Reliability', link: '/docs/RELIABILITY' },
          { text: 'Security', link: '/SECURITY' },
          { text: 'Versions', link: '/docs/VERSIONS' },
          { text: 'Upgrading', link: '/UPGRADING' },
          { text: 'Changelog', link: '/CHANGELOG' },
        ],
      },
      {
        text: 'Work on it',
        items: [
          { text: 'Architecture', link: '/ARCHITECTURE' },
          { text: 'Decisions', link: '/docs/adr/' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
        ],
      },
    ],
  },
});
