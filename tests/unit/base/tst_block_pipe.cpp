// SPDX-License-Identifier: GPL-3.0-only
#include "test_registry.h"

#include "base/block_pipe.h"

#include <QSemaphore>
#include <thread>

using namespace llmproxy;

class TstBlockPipe : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void everythingComesInOrder();
    void theMakerWaitsForTheReader();
    void aReaderWhoLeavesEndsTheMaker();
    void cancelledWithoutAReader();
};

namespace {

const std::atomic<bool> never{false};

} // namespace

void TstBlockPipe::everythingComesInOrder()
{
    for (const bool whole : {true, false}) {
        BlockPipe pipe;
        QSemaphore ready; // std::counting_semaphore may sleep for ever in GCC 12.2 (gcc.gnu.org/PR104928)
        pipe.onReady([&ready] { ready.release(); });
        std::thread maker([&pipe, whole] {
            for (int i = 0; i < 5000; ++i)
                QVERIFY(pipe.write(std::string(1000, static_cast<char>(i % 251)), never));
            pipe.finish(whole);
        });
        int count = 0;
        std::string block;
        BlockPipe::State state = BlockPipe::State::Nothing;
        while (state == BlockPipe::State::Nothing || state == BlockPipe::State::Block) {
            state = pipe.read(block);
            if (state == BlockPipe::State::Block)
                QCOMPARE(block, std::string(1000, static_cast<char>(count++ % 251)));
            else if (state == BlockPipe::State::Nothing)
                ready.acquire();
        }
        maker.join();
        QCOMPARE(count, 5000);
        QCOMPARE(state, whole ? BlockPipe::State::Whole : BlockPipe::State::Broken);
    }
}

void TstBlockPipe::theMakerWaitsForTheReader()
{
    BlockPipe pipe;
    std::atomic<int> made{0};
    QSemaphore full; // std::counting_semaphore may sleep for ever in GCC 12.2 (gcc.gnu.org/PR104928)
    std::thread maker([&] {
        while (made < 300) {
            if (made == 256)
                full.release();
            if (!pipe.write(std::string(1024, 'x'), never))
                return;
            ++made;
        }
    });
    full.acquire();
    QCOMPARE(made.load(), 256); // mostQueued in blocks of 1 KiB, and not one more
    std::string block;
    for (int read = 0; read < 300; ++read) {
        while (pipe.read(block) != BlockPipe::State::Block)
            std::this_thread::yield();
    }
    maker.join();
    QCOMPARE(made.load(), 300);
}

void TstBlockPipe::aReaderWhoLeavesEndsTheMaker()
{
    BlockPipe pipe;
    std::thread maker([&pipe] {
        while (pipe.write(std::string(1024, 'x'), never)) { }
    });
    pipe.close();
    maker.join();
    std::string block;
    QCOMPARE(pipe.read(block), BlockPipe::State::Nothing);
}

void TstBlockPipe::cancelledWithoutAReader()
{
    BlockPipe pipe;
    std::atomic<bool> cancelled{false};
    std::thread maker([&] {
        while (pipe.write(std::string(1024, 'x'), cancelled)) { }
    });
    cancelled = true;
    maker.join(); // and does not wait for a reader who never comes
}

REGISTER_TEST(TstBlockPipe)
#include "tst_block_pipe.moc"
