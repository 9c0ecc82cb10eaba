"""sha256 of every data file that the catalogue names, by its path in the data folder.

`sha256sum` over the data folder prints the same.
"""

from typing import Final

SHA256: Final[dict[str, str]] = {
    "acos/Laptop-ACOS/laptop_quad_dev.tsv": (
        "824d748567199e76c7ad647610127e5f129649d90c0ca78218c18a3b82054c20"
    ),
    "acos/Laptop-ACOS/laptop_quad_test.tsv": (
        "8c745fa5df9dd4ccf2c269f2e1e305b8d3bf63bf83ce2df608fe43c2ca9404d3"
    ),
    "acos/Laptop-ACOS/laptop_quad_train.tsv": (
        "75572e18961f15d6624c037cf4ccc8964744b59a6be4249132229a4dbd967320"
    ),
    "acos/Restaurant-ACOS/rest16_quad_dev.tsv": (
        "9a019761afce0eec4d8d027dcdffa28e3a2677d90e6a17b64f409daa5eccfca9"
    ),
    "acos/Restaurant-ACOS/rest16_quad_test.tsv": (
        "59969ab711c7a6b984ffe2ac1ec2f9ef8aaee54587fc195fe1ace6728ecb3644"
    ),
    "acos/Restaurant-ACOS/rest16_quad_train.tsv": (
        "91ced9328d5992d3715ec70d7cc08a6ccd9dea79136ffdd70556fe54b217edda"
    ),
    "amazon_reviews.tar.xz": "75ddbd34de22c71e2f1879ec8e2b4e98da1af1afe91a6eae1b1e5f5ed525419e",
    "asqp_quad/rest15/dev.txt": "c041892e72e38d870854346acfd121f110e4aa5886c3840398d1902967ccce5c",
    "asqp_quad/rest15/test.txt": "80e694ed244e8731864df3ff18ba61c10ebf557f6357d6f8b4917c843560e05a",
    "asqp_quad/rest15/train.txt": (
        "8ce2f371dbcaeea632b06789370cc26505650bc608b3b20def1e606065004a47"
    ),
    "asqp_quad/rest16/dev.txt": "aa11dc6f4b75b2a3c624c853434c7495cf2cd160d3e897d99ba91662996528da",
    "asqp_quad/rest16/test.txt": "a090e7323c1c64daa95d524a00f5bf814cc4f5675c124724bb699c3a9bd842e1",
    "asqp_quad/rest16/train.txt": (
        "8706e9b597669f4743396c9a82cc90a5cc12064de646bfe64646f64317018e9e"
    ),
    "aste_v2/14lap/dev_triplets.txt": (
        "0adbf20fc75284d5d49523f56ec368d94a9da305e87411e0c627d12cd4510bc0"
    ),
    "aste_v2/14lap/test_triplets.txt": (
        "413a3f655409af25bcb03a9499709925349fff3edbc3a7ca95fc6cdf788eeb92"
    ),
    "aste_v2/14lap/train_triplets.txt": (
        "512ea143794332967b346d76791bba10e0c10c5d20d8e1fa8f6534c2069f9b7c"
    ),
    "aste_v2/14res/dev_triplets.txt": (
        "80a7a26e642df87db2c9ae7e1173827cb718c2ff88f11614f5c652163b1d62d1"
    ),
    "aste_v2/14res/test_triplets.txt": (
        "e3dcc31f520bc2e654fc6b2c588bb3e0c7f0f24b93a56dc585a3079480d871a5"
    ),
    "aste_v2/14res/train_triplets.txt": (
        "feec35b67e697ad6908f14e8579fc3a025714485976784db0bf4018ddb32e97e"
    ),
    "aste_v2/15res/dev_triplets.txt": (
        "14b900f7fa7327c479091d3905c3706c72f35f8af825dc2e114da64cf9f8d270"
    ),
    "aste_v2/15res/test_triplets.txt": (
        "1079183e82e91cb2e6c93e79826c47230bca9152631fff5c37bac450062c0153"
    ),
    "aste_v2/15res/train_triplets.txt": (
        "11c5abe1de8ad284a8d06596a8be45674e0ec153beb161b8378f88f61bf2b5db"
    ),
    "aste_v2/16res/dev_triplets.txt": (
        "c3a6bf12a879c947842964725a4e387ba85619bfc8e5ed8a889ebe87e9784594"
    ),
    "aste_v2/16res/test_triplets.txt": (
        "de842428dc8bc11a4eee87b0ba382b0a59ef37b973a92829759caa8664208630"
    ),
    "aste_v2/16res/train_triplets.txt": (
        "6cbbd94268889e751422776f3558212650e633e3c39366cc33b5a5785fd310a4"
    ),
    "cr/custrev.all": "a3839a79bd3285177a07158c6104b49038a7a06ab2abe897734cde5d22e5e325",
    "dynasent/dynasent-v1.1-round01-yelp-dev.jsonl": (
        "46cd881de36122a75733018dda45684cc123d5f35a2b00fdbb30ab42e063c3cd"
    ),
    "dynasent/dynasent-v1.1-round02-dynabench-dev.jsonl": (
        "f9cb7eaa370f866fa553699f76dba3688d8c030f813e1193945e237ff0d019ca"
    ),
    "fdu_mtl/apparel.task.test": "8e591ec14fa0e3d26837b9a40c99d3a93b49f47e7a3fbe4d0afe1b4e1dd45439",
    "fdu_mtl/apparel.task.train": (
        "589702d71eded8ca23907acf6e434f203c8c6feb09737106f77f03707641ffc3"
    ),
    "fdu_mtl/apparel.task.unlabel": (
        "7dc0cf126e07552b41d2574627a3a6d0d9c3f958a368fe5e41d8cd353b0f4a3f"
    ),
    "fdu_mtl/baby.task.test": "8763bb4b8bbf83b93b6aab03706719fc742fb7d89830a6bd95ea1c2490ea58f7",
    "fdu_mtl/baby.task.train": "0d884186f3aef0e12dafac0a875887fe631de0df992b15158ab177763882bf57",
    "fdu_mtl/baby.task.unlabel": "f4f2be61dddc8165ba40d9fc90d51a21c0c9d1f4b6eaa20c93fd3f9d9a8c95e2",
    "fdu_mtl/books.task.test": "b451ac03e48b599bf35dd1a450158389e1ac9018950e95c631053ac14a5b10ad",
    "fdu_mtl/books.task.train": "40c4c5971165b9e0a509a60472c3bf06c8e1430d4944833141eb3c34d986b65e",
    "fdu_mtl/books.task.unlabel": (
        "5121a335a736523b5bd0dc47e05da2b085bf6f42aec2ca20ba7142d620241563"
    ),
    "fdu_mtl/camera_photo.task.test": (
        "3fdea0837d6c41f04720dce8d2e690bbdeb5019ecac749f8f38472ac1dcfa439"
    ),
    "fdu_mtl/camera_photo.task.train": (
        "425bf93c303b2f38d2f53649508ea9e55d0114679ecb00fda5c2c15ebbe9e708"
    ),
    "fdu_mtl/camera_photo.task.unlabel": (
        "d94c682441e8b8a57ff992e244ef0137e07528cd9f3631874f89e2d40aefca04"
    ),
    "fdu_mtl/dvd.task.test": "762e6e030892375eda4f211be58624a3bb6a07c966901c79b803837d21fca4b5",
    "fdu_mtl/dvd.task.train": "47334240d9cef76ac5f15a10f9082c3d2c6e7f9a9bb0478a3800ede2a0300771",
    "fdu_mtl/dvd.task.unlabel": "5673c05efcefbf5d38a1ca7e1110cbf58a95e1b02a7a0c729c46f2ba21f223bf",
    "fdu_mtl/electronics.task.test": (
        "a4d2e7d2a5b8b501a6611e45e1b241aa0d601388b79265cfc94c203cb52f8b8c"
    ),
    "fdu_mtl/electronics.task.train": (
        "bb2f28c4a20e3d075dd71ff049970bd445f4d47bcc8404a68eb03850413a8da7"
    ),
    "fdu_mtl/electronics.task.unlabel": (
        "da24efbec0053b8b8383e530dab3e4a358e75ae2e65d09624c6843bad30f69a8"
    ),
    "fdu_mtl/health_personal_care.task.test": (
        "07f289177da7ebe71f1ac2ee3d5a25f190913e2a11116f0fb55862e01b60a331"
    ),
    "fdu_mtl/health_personal_care.task.train": (
        "384f1ec3d76a2f755844cac4bd7725b86bc79910dae60fc33f133e380f827b4a"
    ),
    "fdu_mtl/health_personal_care.task.unlabel": (
        "70bd1a5b004f2d0edc6bcf0ec6ff5c464f232a351bdcf4b88d4a655d97110355"
    ),
    "fdu_mtl/kitchen_housewares.task.test": (
        "86bcc015f7cfa773880951830ac6161dc2b8717e8a69773ca11a5bd6529b2020"
    ),
    "fdu_mtl/kitchen_housewares.task.train": (
        "df5c9e8473b084a6b252dfbb5e074adcaacb9638a882fee3f20d62d747f45d6f"
    ),
    "fdu_mtl/kitchen_housewares.task.unlabel": (
        "6255b3597385952d45920ce4451291a246ecd997ef75d964ff56fff9e31ad9e7"
    ),
    "fdu_mtl/music.task.test": "54a157c56930b9e587b6b955fe4b2e3258d2f70d0d58ccbbf40a4bfd846ee204",
    "fdu_mtl/music.task.train": "f0b41243475c16391a02e91d87710ed87d68927d4d77f526a3d2369a98ac572e",
    "fdu_mtl/music.task.unlabel": (
        "3f2ee8a5becb232368d2bc599ab131778558e05009f8f6957ce2a10106a6ea9a"
    ),
    "fdu_mtl/sports_outdoors.task.test": (
        "77394d7c91fbc69cc16bfaf79f1f945999fe2d8e0fc536f1f79d17089e611f49"
    ),
    "fdu_mtl/sports_outdoors.task.train": (
        "062ac0e2fb04a81c1f06f15b219634810a323a2ee187750e2f479030ebad0326"
    ),
    "fdu_mtl/sports_outdoors.task.unlabel": (
        "7742f40a8b02cd5701a647d6ccaf3746bb863af28cdd6fa0404b507b131b9ca4"
    ),
    "fdu_mtl/video.task.test": "8de7a49ee3001409c9049b1f52949d78c7875cb92e031b43f5cef681dfd341e4",
    "fdu_mtl/video.task.train": "2867b3e5fffc44132aa61ff49dd608eeacc503b2c9c2133680f0cb4a7a258f3e",
    "fdu_mtl/video.task.unlabel": (
        "0178424fe97c0203c0f3cabcb31e1370bf656895b76a189ecf1ecfd151abe3f2"
    ),
    "imdb/imdb_test.jsonl.xz": "45c756e22c4bb3d33122c87bc2c7c53289ffbb5d4b0260443e43ec84a99f34be",
    "imdb/imdb_train.jsonl.xz": "d7e686355e3e58dcf11edbe46a0d4de9924cffbf8dc58cb123b2d202655cbef7",
    "imdb/imdb_unsup.jsonl.xz": "b0cf773475ab7b78e781a83944079143c290296de2e659622f92c3ed58e50ff7",
    "mams/ACSA/test.xml": "cc0dc3c5b711653daa9ac886c6517d3ebf8752954b73715692d7765fec4a57f5",
    "mams/ACSA/train.xml": "24c6a1a9f769ec5a9a1fc9a63077001339cec65317e3e72cf053d8055ec5f1ac",
    "mams/ACSA/val.xml": "d4536b0ced8e77f53f88ff1835fcf561e0de02e41a509982f76eb9b8a375b2ed",
    "mams/ATSA/test.xml": "f1a5f53b785335e9c57a1f82b1415026f821040b9e9662a2e467d47a54f20aa9",
    "mams/ATSA/train.xml": "26ba39142b28169ebc80408294f4e27493bd1e127c6aa2e85ab4bc750bf8017a",
    "mams/ATSA/val.xml": "5b7d225e2f9482a3814f15aed04ff8323105171a47d22d9899d871c4e0ba86ca",
    "mpqa/mpqa.all": "661de8a069da4b9845fc8b9ae59cc97ffe554f3018fa6bf0e640e3d626a4eaf7",
    "mr/rt-polarity.all": "b8846c3bbd59241f901efdc58f7c515e4b280ab3561fd1858caa5aa48da95a8a",
    "ptb_lm/ptb.test.txt": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
    "ptb_lm/ptb.train.txt": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    "ptb_lm/ptb.valid.txt": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "semeval14_absa/seg/Laptops_Test_Gold.xml.seg": (
        "991c33cac376ac571564006b23e525132871fa70535992a22bda38574768ae0c"
    ),
    "semeval14_absa/seg/Laptops_Train.xml.seg": (
        "fcc7574e20bc5af850d643ecaacf8f675a7c6b7979923ac5a0d571f237398a67"
    ),
    "semeval14_absa/seg/Restaurants_Test_Gold.xml.seg": (
        "9492e95146e4f650da5109a2a2da4ae9e3f2440b7fccadac2100b3c2bd9dee0a"
    ),
    "semeval14_absa/seg/Restaurants_Train.xml.seg": (
        "179e03965ad30f9c6348b5eb3ea0f285fd6952c7914489c5539ed65ffef5c66a"
    ),
    "semeval14_absa/xml/Laptops_Test_Gold.xml": (
        "f2875c881994d52e7df1f51e96298a8e19143a99d508df33c7a3c775bee83cd0"
    ),
    "semeval14_absa/xml/Laptops_Train_v2.xml": (
        "93314dee4be6bc3d9054213f3163dde1956a4cf138bfdce543c67420ef372784"
    ),
    "semeval14_absa/xml/Restaurants_Test_Gold.xml": (
        "f21509cfa37e16534cd5b2da043be487355b64ef48fe8d6aaacaeca6b49cc0fb"
    ),
    "semeval14_absa/xml/Restaurants_Train_v2.xml": (
        "1b49bbd43f3e459276cef44b19e1849ffa27c60b5d64a20c9c5da1a1e694d31b"
    ),
    "semeval15_absa/ABSA-15_Laptops_Train_Data.xml": (
        "8e8a3af9c8bb9f83e688b9d19668f17a07a158c8eadac90259e570576c285664"
    ),
    "semeval15_absa/ABSA-15_Restaurants_Train_Final.xml": (
        "813c3bf02cfdce98e1eccac93eca46e0123ebd8a2848a506d18bd3c1be9037df"
    ),
    "semeval15_absa/ABSA15_Laptops_Test.xml": (
        "5954a5357c67ea7535016ebff8d562f0a9ae764dad562ffe3ed74fa1f273acf0"
    ),
    "semeval15_absa/ABSA15_Restaurants_Test.xml": (
        "26085008a5182381504fefdb7b56654baccd08851c900e6b05452055d9cfede9"
    ),
    "semeval16_absa/ABSA16_Laptops_Train_SB1_v2.xml": (
        "4c3cfd3cd0427cda398e52b227747ab758f8415d53fa7657be6da5271e4d33ea"
    ),
    "semeval16_absa/ABSA16_Restaurants_Train_SB1_v2.xml": (
        "94dbfd15d8cc344d603d101aea2a4006cc3b66a5f9f45a93fa2ee365a76fa015"
    ),
    "semeval16_absa/EN_LAPT_SB1_TEST_gold.xml": (
        "94b76ad36d3f94ca03110c4b2e50137048f01716dbd4bdbc7632e19af8bc592f"
    ),
    "semeval16_absa/EN_REST_SB1_TEST_gold.xml": (
        "46a819bfa8d808febc928a1f8b79d619a87ca860dfd1c7d945048950ee5ee43a"
    ),
    "semeval2017_task4/Subtask_A/twitter-2013dev-A.tsv": (
        "e402ab2e9bad766275ef5af490e2c3b0edca8236d60e6e69227589186bffd896"
    ),
    "semeval2017_task4/Subtask_A/twitter-2013test-A.tsv": (
        "eb98d2342016eefda22dd563aa1ccde18aed399eeba572d8c963bbc56c196164"
    ),
    "semeval2017_task4/Subtask_A/twitter-2013train-A.tsv": (
        "111969d156c516b40bd504fcedcca52bbd44ec24add6f59290eb94df9b9c392c"
    ),
    "semeval2017_task4/Subtask_A/twitter-2014sarcasm-A.tsv": (
        "8321459374f88fc32b0b93da76c8740e7a3f30256886dbe9fcebb04b0ae8906f"
    ),
    "semeval2017_task4/Subtask_A/twitter-2014test-A.tsv": (
        "d6aa09ca41031e3deefb7e5b2f74f53260ab374f993e2275d8e4ccec6b210253"
    ),
    "semeval2017_task4/Subtask_A/twitter-2015test-A.tsv": (
        "54b3481924c025d31ac9669c049603b91035b40e8becd6629fb9476a6d9a62f4"
    ),
    "semeval2017_task4/Subtask_A/twitter-2015train-A.tsv": (
        "29780e613f562a511fa427196503c3f95fea6c0298470e157deab88a0e0ed65e"
    ),
    "semeval2017_task4/Subtask_A/twitter-2016dev-A.tsv": (
        "47bda81cb91db2bf92222a5f20742b5e3edc14eb391e74b882b284e5afd0c8bb"
    ),
    "semeval2017_task4/Subtask_A/twitter-2016devtest-A.tsv": (
        "c16686ebaa3b61770f4d4d2a60d051715146950faa93e039bb0aefb3523c3b38"
    ),
    "semeval2017_task4/Subtask_A/twitter-2016test-A.tsv": (
        "c90ee3e9cca3c4b019cc45169190c0bcc1c9e2eda938527e31d12040798dc453"
    ),
    "semeval2017_task4/Subtask_A/twitter-2016train-A.tsv": (
        "f49f65cf5e94b47d077ab7715d3d0a656c09b5c71608678a672d7378ef79c932"
    ),
    "sst/derived/stsa.binary.phrases.train": (
        "f1d0d5a2e400ce36f0e9ed44b68d74bd24794d0fc0dfbaed5515568aedf70565"
    ),
    "sst/derived/stsa.fine.phrases.train": (
        "ddaa08f8704848eb8e3f1051149759f848b043c8304d37dd1199f2e2b1552309"
    ),
    "sst/stsa.binary.dev": "02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1",
    "sst/stsa.binary.test": "6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b",
    "sst/stsa.binary.train": "71c04bcc41291fa47454dd670df701b14ee9249156babeaac404cfe2c8d74338",
    "sst/stsa.fine.dev": "b2f76c62b960f9fda5c6d751edb125abab4f878eb94a8754239b7f4af647f4c3",
    "sst/stsa.fine.test": "0e2ebb450c231f7b3d67fc932066e7bb26ae7bad8c88488f45ed44ef02eb3c73",
    "sst/stsa.fine.train": "9b52b5f686ed438d4d0274c385369251b3d579b578fddd340ba8a9bae2ca4bee",
    "subj/subj.all": "f3ffbe2aa8e4f3ba3e63e46dce51613854edbca122fb3aa758b9bce047ded23c",
    "trec/TREC.test": "033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e",
    "trec/TREC.train": "9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3",
    "ud_english_ewt/en_ewt-ud-dev.conllu": (
        "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6"
    ),
    "ud_english_ewt/en_ewt-ud-test.conllu": (
        "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd"
    ),
    "ud_english_ewt/en_ewt-ud-train.conllu": (
        "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b"
    ),
    "ud_french_sequoia/fr_sequoia-ud-dev.conllu": (
        "a5138dc5e8886484c2f8919e97113f56b9e4329e5cf2a999c021d6ee45e8b45d"
    ),
    "ud_french_sequoia/fr_sequoia-ud-test.conllu": (
        "a650e7a223fe191009ded17cedae740659449be20354bd68205c376de4ddef2d"
    ),
    "ud_french_sequoia/fr_sequoia-ud-train.conllu": (
        "56424954edf9d20a4d1184e37bfe931fb7c64da82bf2a587b4f35b828d79d767"
    ),
    "yelp_sentences/sentiment.dev.0": (
        "405ef6d4bfbc8bb92c3c55b496f315069cb5edb49ed34a07b1206341b83c344b"
    ),
    "yelp_sentences/sentiment.dev.1": (
        "3509f6573411bbda2d5c071ed72ad276c12356c15c06205b8fdf74b217970c61"
    ),
    "yelp_sentences/sentiment.test.0": (
        "b7466e8859e9948892a859af7938a82c801c99b69f884014082fd072a155bbf2"
    ),
    "yelp_sentences/sentiment.test.1": (
        "a66e0ec3f0e1230ad4d2c822750a381cf6d99a99fa9b5ae79546f21ff79ed5c3"
    ),
}
