export const RUN = `\`\`\`sh
npm ci
npm run study                # everything, on four engines which it installs: forty minutes or so; wants a quiet machine
npm run study -- --quick     # within three minutes, and figures that only hint
npm run study:report         # makes this file and its charts from bench/results/study.json
npx wsloom kernels           # the kernels of this package, in ten seconds, on your machine
\`\`\`

This file is made by [study/report.ts](study/report.ts) from [results/study.json](results/study.json): no figure in it was typed.`;
