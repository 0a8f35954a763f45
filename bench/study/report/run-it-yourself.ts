export const RUN = `\`\`\`sh
npm ci
npm run study                  # everything, on the engines that it installs; says how long that takes; needs a quiet machine
npm run study -- --contribute  # the same, into one file to send: machines.md says how
npm run study -- --quick       # takes some minutes; its figures are only a hint
npm run study:report           # makes this file and its charts from bench/results/study.json
npx wsloom kernels             # the kernels of this package on your machine, in ten seconds
\`\`\`

This file is made by [study/report.ts](study/report.ts) from [results/study.json](results/study.json): no figure in it was typed.`;
