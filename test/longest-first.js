import Sequencer from '@jest/test-sequencer'

/** The deep proofs begin first: a worker that came to one of them last would let the other one wait. */
export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const isProof = ({ path }) => /\/test\/(?:proof|torture)\//.test(path)
    const [proofs, others] = [tests.filter(isProof), tests.filter((one) => !isProof(one))]
    return [...(await super.sort(proofs)), ...(await super.sort(others))]
  }
}
