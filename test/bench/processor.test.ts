import { describe, expect, it } from 'vitest';
import { machine, processorText } from '../../bench/machine.js';
import { linuxProcessor, macProcessor, vectorsText } from '../../bench/processor.js';

const X64 = `processor	: 0
vendor_id	: AuthenticAMD
cpu family	: 26
model		: 2
model name	: AMD EPYC
stepping	: 1
flags		: fpu sse2 ssse3 sse4_1 sse4_2 avx hypervisor avx2 avx512f avx_vnni avx512bw avx512_vbmi2 avx10_1

processor	: 1
vendor_id	: AuthenticAMD
cpu family	: 26
model		: 2
stepping	: 1
flags		: fpu
`;

const arm64Core = (part: string) => `processor	: 0
BogoMIPS	: 50.00
Features	: fp asimd evtstrm aes asimddp sve sve2 i8mm bf16
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x1
CPU part	: ${part}
CPU revision	: 2
`;

describe('the processor on Linux', () => {
  it('of x64 has family, model and stepping, and the vectors that matter, the oldest first', () => {
    expect(linuxProcessor(X64)).toEqual({
      identity: 'AuthenticAMD, family 26, model 2, stepping 1',
      vectors: [
        'SSSE3',
        'SSE4.1',
        'SSE4.2',
        'AVX',
        'AVX2',
        'AVX-VNNI',
        'AVX10.1',
        'AVX-512F',
        'AVX-512BW',
        'AVX-512VBMI2',
      ],
      isVirtual: true,
    });
  });

  it('of x64 is not virtual without a hypervisor', () => {
    expect(linuxProcessor(X64.replace(' hypervisor', '')).isVirtual).toBe(false);
  });

  it('of arm64 has the numbers of each kind of core once, and says nothing of virtual machines', () => {
    expect(linuxProcessor([arm64Core('0xd05'), arm64Core('0xd0a'), arm64Core('0xd05')].join('\n'))).toEqual({
      identity:
        'implementer 0x41, part 0xd05, variant 0x1, revision 2 and implementer 0x41, part 0xd0a, variant 0x1, revision 2',
      vectors: ['asimd', 'asimddp', 'sve', 'sve2', 'i8mm', 'bf16'],
    });
  });

  it('of which the system says nothing has no fields', () => {
    expect(linuxProcessor('processor : 0\n')).toEqual({});
    expect(linuxProcessor('')).toEqual({});
  });
});

describe('the processor on macOS', () => {
  it('of arm64 has its family, and vectors under the names of Linux', () => {
    const sysctl = `hw.cpufamily: 458787763
hw.optional.AdvSIMD: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.neon: 1
kern.hv_vmm_present: 0
kern.hostname: somebody.local`;
    expect(macProcessor(sysctl)).toEqual({
      identity: 'family 0x1b588bb3',
      vectors: ['asimd', 'asimddp'],
      isVirtual: false,
    });
  });

  it('of x64 has family, model and stepping, and vectors under the names of Linux', () => {
    const sysctl = `hw.cpufamily: 260141638
machdep.cpu.vendor: GenuineIntel
machdep.cpu.family: 6
machdep.cpu.model: 158
machdep.cpu.stepping: 10
hw.optional.supplementalsse3: 1
hw.optional.sse4_1: 1
hw.optional.avx1_0: 1
hw.optional.avx2_0: 1
hw.optional.avx512f: 0`;
    expect(macProcessor(sysctl)).toEqual({
      identity: 'GenuineIntel, family 6, model 158, stepping 10',
      vectors: ['SSSE3', 'SSE4.1', 'AVX', 'AVX2'],
    });
  });
});

it('the parts of AVX-512 are printed together', () => {
  expect(vectorsText(['AVX2', 'AVX-512F', 'AVX-512BW'])).toBe('AVX2, AVX-512 (F, BW)');
  expect(vectorsText(['asimd', 'sve'])).toBe('asimd, sve');
});

describe('the machine', () => {
  it('says its platform and architecture', () => {
    expect(machine()).toMatchObject({ platform: process.platform, arch: process.arch, node: process.version });
  });

  it('is printed with all that is known of the processor', () => {
    const known = { cpu: 'a CPU', identity: 'family 1', vectors: ['AVX'] };
    expect(processorText(known)).toBe('a CPU (family 1; AVX)');
    expect(processorText({ cpu: 'a CPU', vectors: ['AVX'] })).toBe('a CPU (AVX)');
    expect(processorText({ cpu: 'a CPU' })).toBe('a CPU');
  });
});
