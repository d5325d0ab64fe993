"""What countries are called in their own languages, and in neighbouring ones that people often write: Deutschland, España, 日本."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

_TABLE = """
AD Andorre | AE الإمارات العربية المتحدة, الإمارات, Emirats arabes unis, Emiratos Árabes Unidos, Vereinigte Arabische Emirate
AF افغانستان | AL Shqipëria, Shqipëri, Albanien, Albanie | AM Հայաստան, Hayastan, Armenien, Arménie | AR Argentinien, Argentine
AT Österreich, Oesterreich, Autriche, Oostenrijk | AU Australien, Australie | AX Åland, Ahvenanmaa | AZ Azərbaycan, Азербайджан,
  Aserbaidschan | BA Bosna i Hercegovina, Босна и Херцеговина, Bosnien und Herzegowina, Bosnien-Herzegowina, Bosnia | BD
  বাংলাদেশ, Bangladesch | BE België, Belgique, Belgien, Bélgica, Belgio | BG България, Bulgariya, Balgariya, Bulgarien, Bulgarie
BH البحرين | BJ Bénin | BN Brunei Darussalam | BO Bolivie, Bolivien | BR Brasil, Brasilien, Brésil, Brazilië, Brasile | BT
  འབྲུག་ཡུལ | BY Беларусь, Bielaruś, Белоруссия, Weißrussland, Biélorussie | CA Kanada, Canadá | CD République démocratique du
  Congo, RD Congo, RDC, Demokratische Republik Kongo | CF République centrafricaine, Centrafrique | CG République du Congo | CH
  Schweiz, Suisse, Svizzera, Svizra, Die Schweiz, Suiza, Zwitserland | CL Chili | CM Cameroun, Kamerun | CN 中国, 中國,
  中华人民共和国, 中華人民共和國, Zhongguo, Chine, Kina, Cina, China PR, P.R. China | CO Kolumbien, Colombie | CV Kap Verde,
  Cap-Vert | CY Κύπρος, Kypros, Kıbrıs, Zypern, Chypre | CZ Česko, Česká republika, Tschechien, Tschechische Republik, Tchéquie,
  République tchèque, Chequia | DE Deutschland, Bundesrepublik Deutschland, BRD, Allemagne, Alemania, Alemanha, Germania,
  Duitsland, Tyskland, Niemcy, Германия, 德国 | DJ جيبوتي | DK Danmark, Dänemark, Danemark, Dinamarca, Denemarken | DO República
  Dominicana, Dominikanische Republik, République dominicaine | DZ الجزائر, Algérie, Algerien, Dzayer | EE Eesti, Estland,
  Estonie | EG مصر, Misr, Ägypten, Égypte, Egipto | ER ኤርትራ | ES España, Spanien, Espagne, Espanya, Espainia, Spanje, Spagna,
  Espanha, Hiszpania, Испания | ET ኢትዮጵያ, Äthiopien, Éthiopie | FI Suomi, Finnland, Finlande, Finlandia | FO Føroyar, Færøerne
FR République française, Frankreich, Francia, França, Frankrijk, Frankrike, Francja, Франция, 法国 | GB Vereinigtes Königreich,
  Großbritannien, Grossbritannien, Royaume-Uni, Grande-Bretagne, Reino Unido, Regno Unito, Verenigd Koninkrijk, Wielka Brytania,
  Storbritannien, Großbritannien und Nordirland, Cymru, Alba, Великобритания, 英国 | GE საქართველო, Sakartvelo, Georgien,
  Géorgie | GL Kalaallit Nunaat, Grønland, Grönland | GM Gambie | GN Guinée | GQ Guinea Ecuatorial | GR Ελλάδα, Ελλάς, Ellada,
  Hellas, Elláda, Griechenland, Grèce, Grecia, Griekenland, Hellenic Republic | GW Guiné-Bissau | HK 香港 | HR Hrvatska,
  Kroatien, Croatie, Croacia | HT Haïti, Ayiti | HU Magyarország, Ungarn, Hongrie, Hungría, Hongarije, Węgry | ID Indonesien,
  Indonésie | IE Éire, Irland, Irlande, Irlanda, Ierland, Ireland Republic | IL ישראל, إسرائيل, Yisrael, Israël | IN भारत,
  Bharat, Bhārat, Indien, Inde, Índia | IQ العراق, Irak | IR ایران, Irān | IS Ísland, Island, Islande, Islandia, IJsland | IT
  Italia, Italien, Italie, Itália, Włochy, Италия, Repubblica Italiana | JE Jèrri | JO الأردن, Jordanien, Jordanie | JP 日本,
  日本国, Nippon, Nihon, Japón, Japon, Giappone, Япония | KG Кыргызстан, Киргизия, Kirgisistan | KH កម្ពុជា, Kampuchea,
  Kambodscha, Cambodge | KM Comores, Komori | KP 조선, 조선민주주의인민공화국, 북한, Nordkorea, Corée du Nord | KR 대한민국,
  한국, 남한, Hanguk, Daehan Minguk, Südkorea, Corée du Sud, Corea del Sur, 韩国, 韓国 | KW الكويت | KZ Қазақстан, Qazaqstan,
  Казахстан, Kasachstan | LA ລາວ, Lao PDR, Laos PDR | LB لبنان, Liban, Libanon, Lubnan | LI Fürstentum Liechtenstein | LK ශ්‍රී
  ලංකාව, இலங்கை | LT Lietuva, Litauen, Lituanie, Lituania | LU Lëtzebuerg, Luxemburg, Luxemburgo, Lussemburgo | LV Latvija,
  Lettland, Lettonie, Letonia | LY ليبيا, Libyen, Libye | MA المغرب, Maroc, Marokko, Marruecos, Al Maghrib | MD Republica
  Moldova, Moldau, Moldavie, Moldawien | ME Crna Gora, Црна Гора, Montenegro Crna Gora, Monténégro | MG Madagasikara, Madagaskar
MK Северна Македонија, Severna Makedonija, Македонија, Makedonija, Nordmazedonien, Mazedonien, Macédoine du Nord, FYROM | MM
  မြန်မာ, Myanma | MN Монгол улс, Монгол, Mongol Uls, Mongolei, Mongolie | MO 澳門, 澳门 | MR موريتانيا, Mauritanie, Mauretanien
MU Maurice, Île Maurice | MV ދިވެހިރާއްޖެ, Malediven | MX México, Mexiko, Mexique, Messico | MY Malaysien, Malaisie | MZ
  Moçambique, Mosambik | NE République du Niger | NL Nederland, Niederlande, Die Niederlande, Pays-Bas, Países Bajos, Paesi
  Bassi, Holanda, Holandia | NO Norge, Noreg, Norwegen, Norvège, Noruega, Noorwegen, Norvegia | NP नेपाल | NZ Aotearoa,
  Neuseeland, Nouvelle-Zélande, Nueva Zelanda | OM عمان | PE Perú, Pérou | PG Papua-Neuguinea | PH Pilipinas, Filipinas,
  Philippinen, Republika ng Pilipinas | PK پاکستان, Pākistān | PL Polska, Polen, Pologne, Polonia, Польша, Rzeczpospolita Polska
PS فلسطين, Palästina, Filastin | PT República Portuguesa, Portogallo | PY Paraguái | QA قطر, Katar | RE La Réunion | RO România,
  Rumänien, Roumanie, Rumania, Roemenië | RS Srbija, Србија, Serbien, Serbie | RU Россия, Российская Федерация, Rossiya,
  Rossija, Russland, Rußland, Russie, Rusia, Rusland | SA المملكة العربية السعودية, السعودية, Saudi-Arabien, Arabie saoudite,
  Arabia Saudita | SD السودان, Soudan | SE Sverige, Schweden, Suède, Suecia, Zweden, Svezia, Szwecja, Ruotsi | SG 新加坡,
  Singapura, சிங்கப்பூர், Singapur | SI Slovenija, Slowenien, Slovénie, Eslovenia | SK Slovensko, Slovenská republika, Slowakei,
  Slovaquie, Eslovaquia | SN Sénégal | SO Soomaaliya, الصومال | SS Südsudan | ST São Tomé e Príncipe | SY سوريا, سورية, Syrien,
  Syrie, Siria | TD Tchad, تشاد, Tschad | TH ประเทศไทย, ไทย, Prathet Thai, Thaïlande, Tailandia | TJ Тоҷикистон, Tojikiston,
  Таджикистан, Tadschikistan | TL Timor Lorosa'e, Timor Leste | TM Türkmenistan, Туркменистан | TN تونس, Tunisie, Tunesien,
  Túnez | TR Türkei, Turquie, Turquía, Turchia, Turkije, Turcja, Turkiet, Tyrkiet, Турция, Türkiye Cumhuriyeti | TW 台灣, 台湾,
  臺灣, 中華民國, Taïwan | UA Україна, Ukrayina, Ukraina, Украина, Ukraïne, Ucrania, Ucraina | US Vereinigte Staaten, Vereinigte
  Staaten von Amerika, États-Unis, Estados Unidos, EE.UU., EEUU, EUA, Stati Uniti, Verenigde Staten, Stany Zjednoczone,
  États-Unis d'Amérique, Estados Unidos de América, США, 美国, 美國, アメリカ, United States America | UZ Oʻzbekiston,
  O'zbekiston, Ўзбекистон, Узбекистан, Usbekistan | VA Città del Vaticano, Vatikan, Santa Sede | VN Việt Nam, Viêt Nam | WF
  Wallis-et-Futuna | XK Kosova, Kosovë, Косово, Kosovo (UNSCR 1244) | YE اليمن, Jemen, Yémen | ZA Suid-Afrika, Südafrika,
  Afrique du Sud, Sudáfrica, RSA, iNingizimu Afrika
"""


def _names() -> Iterator[tuple[str, str]]:
    for entry in _TABLE.replace("\n  ", " ").replace("\n", "|").split("|"):
        code, _, names = entry.strip().partition(" ")
        yield from ((name.strip(), code) for name in names.split(",") if name.strip())


ENDONYMS: Mapping[str, str] = MappingProxyType(dict(_names()))
"""A name → two letters."""
